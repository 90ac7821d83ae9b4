/* SPDX-License-Identifier: Apache-2.0 */
/* understudy rehearse: runs a compiled Windows driver on the stage, against whoever plays its function. */
#include "cli/cli.h"
#include "nt/imports.h"
#include "nt/stories.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	struct us_telling telling;
	const char *device, *stories_file, *trace_file;
	const struct us_stories *own;
	bool list, imports, gdb, print;
	int argc;
	char **argv;
	const char *cpus, *interrupts; /* as they were given, for replays */
	char *gdb_commands; /* a file; NULL: a user gives them */
	char again[4096];
};

static void usage(FILE *to)
{
	fputs("Usage: understudy rehearse DRIVER.sys --device DEVICE [OPTION]...\n"
	      "Run a compiled Windows driver (KMDF or WDM, x64) on an NT kernel in this process.\n\n"
	      "DEVICE is the name of a device that comes with understudy, or the path of a shared object with a model\n"
	      "(./mydevice.so). Without --on it is played in this process, in virtual time: the same seed is the same "
	      "run.\n\n"
	      "  -d, --device DEVICE     the device that the driver drives\n"
	      "  -o, --on TARGET         who plays it: 'model', the path of a vfio-user socket, or a PCI address that "
	      "is bound\n"
	      "                          to vfio-pci (default model)\n"
	      "  -S, --stories FILE.so   tell the stories of this shared object (default: those that come with "
	      "DEVICE)\n"
	      "  -l, --list              list the stories, and tell none\n"
	      "  -f, --filter GLOB       tell these only: 'life.*'; several with commas, '!life.*' takes away\n"
	      "  -s, --seed N            chance comes from N (default 1); N-M tells each story with all of these\n"
	      "  -j, --jobs N            tell with so many processes, where time is virtual (default: this machine's\n"
	      "                          processors); the results are the same\n"
	      "  -c, --cpus N            so many processors, 1 to 8 (default 2)\n"
	      "  -i, --interrupts KIND   grant the device line, msi, msi:N or msix:N for all stories\n"
	      "      --fail N            make the Nth call that can fail for want of memory do so\n"
	      "  -t, --trace FILE        write every call, choice, register access, DMA and interrupt to FILE (- for "
	      "standard\n"
	      "                          error)\n"
	      "      --print             show what the driver prints (DbgPrint) on standard error\n"
	      "      --gdb[=FILE]        run under gdb, with the driver's symbols; with gdb's commands from FILE\n"
	      "      --imports           list what the driver imports and which framework functions it may call, and\n"
	      "                          whether the stage has them; run nothing\n"
	      "  -h, --help              print this\n\n"
	      "Results are TAP on standard output, reports of failures on standard error. Exit status: 0 all passed or "
	      "were\n"
	      "skipped, 1 not, 2 usage.\n",
	      to);
}

static int wrong(const char *format, const char *what)
{
	fputs("understudy rehearse: ", stderr);
	fprintf(stderr, format, what);
	fputs("\nTry 'understudy rehearse --help'.\n", stderr);
	return -EINVAL;
}

/* A whole number up to `most`, at the beginning of a text; where it ends. NULL: there is none. */
static const char *number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno || *value > most ? NULL : end;
}

static int seeds(struct us_telling *telling, const char *text)
{
	const char *end = number(text, UINT64_MAX, &telling->first_seed);

	telling->last_seed = telling->first_seed;
	if (end && *end == '-')
		end = number(end + 1, UINT64_MAX, &telling->last_seed);
	if (!end || *end || telling->last_seed < telling->first_seed)
		return wrong("--seed takes a number or a range like 1-100, not '%s'", text);
	return 0;
}

static int grant(struct us_telling *telling, const char *text)
{
	static const struct {
		const char *name;
		enum us_nt_grant grant;
	} kinds[] = {{"line", US_NT_GRANT_LINE}, {"msi", US_NT_GRANT_MSI}, {"msix", US_NT_GRANT_MSIX}};
	size_t length = strcspn(text, ":");
	uint64_t messages = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strlen(kinds[i].name) != length || strncmp(kinds[i].name, text, length))
			continue;
		if (text[length]) {
			const char *end = number(text + length + 1, 2048, &messages);

			if (!end || *end || !messages || kinds[i].grant == US_NT_GRANT_LINE)
				break;
		}
		telling->rehearsal.grant = kinds[i].grant;
		telling->rehearsal.messages = (unsigned)messages;
		telling->grant_is_given = true;
		return 0;
	}
	return wrong("--interrupts takes line, msi, msi:N or msix:N, not '%s'", text);
}

static int small(const char *option, const char *text, uint64_t least, uint64_t most, unsigned *to)
{
	uint64_t value;
	const char *end = number(text, most, &value);
	char format[96];

	snprintf(format, sizeof format, "%s takes a number from %u to %u, not '%%s'", option, (unsigned)least,
		 (unsigned)most);
	if (!end || *end || value < least)
		return wrong(format, text);
	*to = (unsigned)value;
	return 0;
}

static int one_option(struct settings *s, int option)
{
	struct us_rehearsal *rehearsal = &s->telling.rehearsal;

	switch (option) {
	case 'd':
		s->device = rehearsal->model = optarg;
		return 0;
	case 'o':
		rehearsal->target = optarg;
		return 0;
	case 'S':
		s->stories_file = optarg;
		return 0;
	case 'l':
		s->list = true;
		return 0;
	case 'f':
		s->telling.filter = optarg;
		return 0;
	case 's':
		return seeds(&s->telling, optarg);
	case 'c':
		s->cpus = optarg;
		return small("--cpus", optarg, 1, 8, &rehearsal->cpus);
	case 'j':
		return small("--jobs", optarg, 1, 1024, &s->telling.jobs);
	case 'i':
		s->interrupts = optarg;
		return grant(&s->telling, optarg);
	case 'F':
		return small("--fail", optarg, 1, 1000000, &rehearsal->fail_nth);
	case 't':
		s->trace_file = optarg;
		return 0;
	case 'p':
		s->print = true;
		return 0;
	case 'g':
		s->gdb = true;
		s->gdb_commands = optarg;
		return 0;
	case 'I':
		s->imports = true;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try 'understudy rehearse --help'.\n", stderr);
		return -EINVAL;
	}
}

/* 0: go on, 1: nothing more to do, or negative. */
static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{"device", required_argument, NULL, 'd'},
		{"on", required_argument, NULL, 'o'},
		{"stories", required_argument, NULL, 'S'},
		{"list", no_argument, NULL, 'l'},
		{"filter", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 's'},
		{"jobs", required_argument, NULL, 'j'},
		{"cpus", required_argument, NULL, 'c'},
		{"interrupts", required_argument, NULL, 'i'},
		{"fail", required_argument, NULL, 'F'},
		{"trace", required_argument, NULL, 't'},
		{"print", no_argument, NULL, 'p'},
		{"gdb", optional_argument, NULL, 'g'},
		{"imports", no_argument, NULL, 'I'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, error = 0;

	optind = 1;
	while (!error && (option = getopt_long(argc, argv, "d:o:S:lf:s:j:c:i:t:h", longs, NULL)) != -1)
		error = one_option(s, option);
	if (error)
		return error;
	if (argc - optind != 1)
		return wrong("%s", argc == optind ? "no driver is named" : "one driver at a time");
	s->telling.rehearsal.driver = argv[optind];
	if (!s->device && !s->imports)
		return wrong("which device does %s drive? --device crypto, or ./mydevice.so", argv[optind]);
	return 0;
}

/* The stories of a shared object, or those that come with the device. */
static int find_stories(struct settings *s, struct us_error *err)
{
	void *object;

	if (!s->stories_file) {
		s->own = us_stories_find(s->device);
		return 0;
	}
	object = dlopen(s->stories_file, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return us_fail(err, -ENOEXEC, "the stories can not be loaded: %s", dlerror());
	s->own = dlsym(object, "us_stories");
	if (!s->own)
		return us_fail(err, -ENOENT, "%s defines no us_stories: it ends with US_STORIES(...)", s->stories_file);
	if (s->own->abi != US_STORIES_ABI)
		return us_fail(err, -EINVAL, "%s was built for story interface %u and this is %u: build it again",
			       s->stories_file, s->own->abi, US_STORIES_ABI);
	return 0;
}

static int open_trace(struct settings *s, struct us_error *err)
{
	if (!s->trace_file)
		return 0;
	s->telling.rehearsal.trace = strcmp(s->trace_file, "-") ? fopen(s->trace_file, "we") : stderr;
	if (!s->telling.rehearsal.trace)
		return us_fail(err, -errno, "%s: the trace can not be written: %s", s->trace_file, strerror(errno));
	return 0;
}

static int close_trace(struct settings *s, struct us_error *err)
{
	FILE *trace = s->telling.rehearsal.trace;
	bool lost;

	if (!trace || trace == stderr)
		return 0;
	lost = ferror(trace);
	if (fclose(trace) || lost)
		return us_fail(err, -EIO, "%s: the trace could not be written: %s", s->trace_file,
			       strerror(errno ? errno : EIO));
	return 0;
}

/* What gdb does first: up to where the driver is loaded, each time, since loading it takes breakpoints away. */
static int write_script(const char *name, int fd, struct us_error *err)
{
	static const char commands[] =
		"set confirm off\nset breakpoint pending on\n"
		"handle SIGSEGV nostop noprint pass\nhandle SIGVTALRM nostop noprint pass\n"
		"break us_nt_driver_loaded\nrun\n"
		"eval \"add-symbol-file %s -o %lu\", us_nt_symbols, us_nt_symbols_offset\n"
		"commands 1\nsilent\ncontinue\nend\n"
		"echo The driver is loaded and has not begun: set breakpoints, then continue.\\n\n";
	FILE *file = fdopen(fd, "w");

	if (!file || fprintf(file, "shell rm -f %s\n%s", name, commands) < 0 || fclose(file))
		return us_fail(err, -errno, "%s: gdb's commands can not be written: %s", name, strerror(errno));
	return 0;
}

/* Starts gdb on the same command, for a user, or with a file of commands. */
static int run_gdb(struct settings *s, struct us_error *err)
{
	static char gdb[] = "gdb", quiet[] = "-q", batch[] = "-batch", command[] = "-x", args[] = "--args",
		    self[] = "/proc/self/exe", one_job[] = "--jobs=1";
	char **arguments = calloc((size_t)s->argc + 12, sizeof *arguments), script[] = "/tmp/understudy-XXXXXX",
	     program[4096];
	int fd = mkstemp(script), n = 0, rc;
	ssize_t length = readlink(self, program, sizeof program - 1);

	if (!arguments || fd < 0 || length < 0)
		return us_fail(err, -EIO, "gdb can not be prepared: %s", strerror(errno));
	program[length] = 0;
	if ((rc = write_script(script, fd, err)))
		return rc;
	arguments[n++] = gdb;
	arguments[n++] = quiet;
	if (s->gdb_commands)
		arguments[n++] = batch;
	arguments[n++] = command;
	arguments[n++] = script;
	if (s->gdb_commands) {
		arguments[n++] = command;
		arguments[n++] = s->gdb_commands;
	}
	arguments[n++] = args;
	arguments[n++] = program;
	arguments[n++] = s->argv[0];
	arguments[n++] = one_job; /* gdb follows one process; who asks for more later in the command gets them */
	for (int i = 1; i < s->argc; i++)
		if (strncmp(s->argv[i], "--gdb", 5) != 0)
			arguments[n++] = s->argv[i];
	execvp(gdb, arguments);
	rc = us_fail(err, -errno, "gdb can not be started: %s; is it installed (Debian: gdb)?", strerror(errno));
	unlink(script);
	free(arguments);
	return rc;
}

static int run(struct settings *s, struct us_error *err)
{
	struct us_telling_result result;
	int rc;

	if (s->imports)
		return us_nt_list_imports(s->telling.rehearsal.driver, stdout, err);
	if ((rc = find_stories(s, err)))
		return rc;
	if (s->list)
		return us_stories_list(&s->telling, s->own, stdout, err);
	if (s->gdb)
		return run_gdb(s, err);
	if ((rc = open_trace(s, err)))
		return rc;
	if (s->print)
		s->telling.rehearsal.print = stderr;
	rc = us_stories_tell(&s->telling, s->own, &result, err);
	if (!rc) {
		fprintf(stderr, "%s: %u passed, %u failed, %u skipped; %llu rehearsals\n", s->telling.rehearsal.driver,
			result.passed, result.failed, result.skipped, (unsigned long long)result.rehearsals);
		rc = close_trace(s, err);
	}
	return rc ? rc : result.failed ? 1 : 0;
}

/* Adds a word to the command for replays, quoted where a shell would see more than a word in it. */
static void add_word(struct settings *s, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=+@%";
	const bool quoted = !*word || word[strspn(word, plain)];
	size_t at = strlen(s->again);

	at += (size_t)snprintf(s->again + at, sizeof s->again - at, quoted ? " '" : " ");
	for (; *word && at + 8 < sizeof s->again; word++)
		at += (size_t)snprintf(s->again + at, sizeof s->again - at, *word == '\'' ? "'\\''" : "%c", *word);
	if (quoted && at + 2 < sizeof s->again)
		snprintf(s->again + at, sizeof s->again - at, "'");
}

/* The command for replays: what was given, but for what each story has of its own. */
static void note_command(struct settings *s)
{
	const struct {
		const char *option, *value;
	} given[] = {{"--device", s->device},
		     {"--on", s->telling.rehearsal.target},
		     {"--stories", s->stories_file},
		     {"--cpus", s->cpus},
		     {"--interrupts", s->interrupts}};

	snprintf(s->again, sizeof s->again, "understudy rehearse");
	add_word(s, s->telling.rehearsal.driver);
	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
		if (given[i].value) {
			add_word(s, given[i].option);
			add_word(s, given[i].value);
		}
	if (s->print)
		add_word(s, "--print");
}

/* The processors that this process may use. */
static unsigned processors(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);

	return count > 1 ? (unsigned)count : 1;
}

int us_cli_rehearse(int argc, char **argv)
{
	struct settings s = {
		.telling = {.first_seed = 1, .last_seed = 1, .jobs = processors(), .tap = stdout, .reports = stderr},
		.argc = argc,
		.argv = argv,
	};
	struct us_error err = {""};
	int rc;

	s.telling.again = s.again;
	rc = parse(&s, argc, argv);
	if (rc)
		return rc > 0 ? US_EXIT_OK : US_EXIT_USAGE;
	note_command(&s);
	if (isatty(STDERR_FILENO))
		s.telling.progress = stderr;
	signal(SIGPIPE, SIG_IGN);
	rc = run(&s, &err);
	if (rc < 0)
		fprintf(stderr, "understudy rehearse: %s\n", err.text);
	return rc ? US_EXIT_FAILED : US_EXIT_OK;
}
