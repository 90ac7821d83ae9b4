/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl: what a user does with the crypto accelerator from a command prompt.
 */
#include "tool.h"

#include "../version.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

HANDLE interrupted;

static HANDLE main_thread;

static const struct verb verbs[] = {
	{"info", "", "show what the device and its driver are", "", 0, 0, 0, run_info},
	{"stat", "", "show what the driver has counted", "", 0, 0, 0, run_stat},
	{"digest", "[FILE]...", "print the SHA-256 digest of each file",
	 "Each line is a digest and a name, as sha256sum prints and checks them.\n", 0, 0, 1000, run_digest},
	{"encrypt", "[INPUT [OUTPUT]]", "encrypt with AES-256-CBC",
	 "  --key FILE    the key: 32 bytes, or 64 hexadecimal digits; needed\n"
	 "  --iv DIGITS   the initialisation vector, 32 hexadecimal digits. Without it, it is random and the first 16\n"
	 "                bytes of the output; with it, the output is what `openssl enc -aes-256-cbc -K -iv` makes\n",
	 TAKES_KEY, 0, 2, run_encrypt},
	{"decrypt", "[INPUT [OUTPUT]]", "decrypt what encrypt made",
	 "  --key FILE    the key: 32 bytes, or 64 hexadecimal digits; needed\n"
	 "  --iv DIGITS   the initialisation vector, when it was given to encrypt too\n",
	 TAKES_KEY, 0, 2, run_decrypt},
	{"selftest", "[NUMBER]...", "test device and driver; the results are in TAP",
	 "With numbers, only the tests that have them when all are run.\n", 0, 0, 1000, run_selftest},
	{"bench", "", "measure device and driver",
	 "  --size BYTES  of a request, K, M or G allowed; without it several sizes are measured\n"
	 "  --seconds N   to measure each (1)\n"
	 "  --depth N     requests in flight; without it 1 and 4\n",
	 TAKES_BENCH, 0, 0, run_bench},
	{"reset", "", "reset the device; administrators only", "", 0, 0, 0, run_reset},
};

static int help(void)
{
	say("usage: cryptoctl VERB [OPTIONS] [FILES]\n\nThe crypto accelerator, from a command prompt.\n\n");
	for (unsigned i = 0; i < ARRAYSIZE(verbs); i++)
		say("  %-10s%s\n", verbs[i].name, verbs[i].summary);
	say("\nFile names may be '-', or left out, for standard input and output. Every verb knows\n\n"
	    "  --device N    the device's number, from 0, when there are several\n"
	    "  --help        what is to be known of the verb\n\n"
	    "Exit status: 0 done, 1 failed, 2 not understood.\n");
	return said() ? DONE : FAILED;
}

static int verb_help(const struct verb *verb)
{
	say("usage: cryptoctl %s [OPTIONS] %s\n\n%s.\n\n%s  --device N    the device's number, from 0\n", verb->name,
	    verb->operands, verb->summary, verb->help);
	return said() ? DONE : FAILED;
}

static int version(void)
{
	say("cryptoctl %d.%d.%d\n", DRIVER_MAJOR, DRIVER_MINOR, DRIVER_BUILD);
	return said() ? DONE : FAILED;
}

static BOOL asks_for_help(const struct word *words, unsigned count)
{
	for (unsigned i = 0; i < count && strcmp(words[i].text, "--"); i++)
		if (!strcmp(words[i].text, "--help"))
			return TRUE;
	return FALSE;
}

static int run(struct word *words, unsigned count)
{
	struct options options;
	int status;

	if (!count) {
		complain("no verb; see 'cryptoctl --help'");
		return MISUSED;
	}
	if (!strcmp(words[0].text, "--help"))
		return help();
	if (!strcmp(words[0].text, "--version"))
		return version();
	for (unsigned i = 0; i < ARRAYSIZE(verbs); i++) {
		if (strcmp(words[0].text, verbs[i].name))
			continue;
		if (asks_for_help(words + 1, count - 1))
			return verb_help(&verbs[i]);
		if (!parse_options(&verbs[i], words + 1, count - 1, &options))
			return MISUSED;
		status = verbs[i].run(&options);
		return said() || status ? status : FAILED;
	}
	complain("'%s' is no verb; see 'cryptoctl --help'", words[0].text);
	return MISUSED;
}

/*
 * Ctrl-C ends what is under way, so that no half-written file stays behind; a second one, or one that comes while
 * nothing is left to end, does what Windows always does.
 */
static BOOL WINAPI interrupt(DWORD event)
{
	if ((event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) ||
	    WaitForSingleObject(interrupted, 0) == WAIT_OBJECT_0)
		return FALSE;
	SetEvent(interrupted);
	CancelSynchronousIo(main_thread); /* it may be waiting for a pipe */
	return TRUE;
}

int wmain(int argc, wchar_t **argv); /* which no header of Windows declares */

int wmain(int argc, wchar_t **argv)
{
	unsigned count = argc > 0 ? (unsigned)argc - 1 : 0;
	struct word *words = calloc(count + 1, sizeof(*words));

	interrupted = CreateEventW(NULL, TRUE, FALSE, NULL);
	main_thread = OpenThread(THREAD_TERMINATE, FALSE, GetCurrentThreadId());
	for (unsigned i = 0; words && i < count; i++) {
		words[i].wide = argv[i + 1];
		words[i].text = utf8(argv[i + 1]);
		if (!words[i].text)
			words = NULL;
	}
	if (!words || !interrupted) {
		complain("out of memory");
		return FAILED;
	}
	SetConsoleCtrlHandler(interrupt, TRUE);
	return run(words, count);
}
