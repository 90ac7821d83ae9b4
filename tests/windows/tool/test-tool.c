/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of cryptoctl that need no device, function by function, on a fake transport; runs under Wine. Results in
 * TAP.
 */
#include "../../../drivers/windows/crypto/tool/file.h"
#include "../../../drivers/windows/crypto/tool/reference.h"
#include "../../../drivers/windows/crypto/tool/say.h"
#include "../../../drivers/windows/crypto/tool/stream.h"
#include "../../../drivers/windows/crypto/tool/tool.h"
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HANDLE interrupted;

static unsigned count, failures;
static BOOL good;

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(BOOL holds, const char *condition, int line)
{
	if (holds)
		return;
	printf("# line %d: %s\n", line, condition);
	good = FALSE;
}

static void run(const char *sentence, void (*test)(void))
{
	good = TRUE;
	ResetEvent(interrupted);
	fake_set("");
	test();
	CHECK(fake_in_flight() == 0);
	CHECK(fake_open() == 0);
	CHECK(fake_forgotten() == 0);
	printf("%sok %u - %s\n", good ? "" : "not ", ++count, sentence);
	failures += !good;
}

/* -- the command line --------------------------------------------------------------------------------------------- */

static void numbers(void)
{
	ULONG64 number = 7;

	CHECK(parse_number("0", 10, &number) && number == 0);
	CHECK(parse_number("10", 10, &number) && number == 10);
	CHECK(parse_number("64K", 65536, &number) && number == 65536);
	CHECK(parse_number("3G", ~0ull, &number) && number == 3ull << 30);
	CHECK(parse_number("18446744073709551615", ~0ull, &number) && number == ~0ull);
	number = 7;
	CHECK(!parse_number("18446744073709551616", ~0ull, &number));
	CHECK(!parse_number("99999999999999999999", ~0ull, &number));
	CHECK(!parse_number("11", 10, &number));
	CHECK(!parse_number("9", 3, &number));
	CHECK(!parse_number("64K", 65535, &number));
	CHECK(!parse_number("17179869184G", ~0ull, &number));
	CHECK(!parse_number("", 10, &number));
	CHECK(!parse_number("-1", 10, &number));
	CHECK(!parse_number("+1", 10, &number));
	CHECK(!parse_number("1x", 10, &number));
	CHECK(!parse_number("1KK", ~0ull, &number));
	CHECK(!parse_number(" 1", 10, &number));
}

static void hexadecimal(void)
{
	UCHAR bytes[2] = {1, 2};

	CHECK(parse_hex("00fF", bytes, 2) && bytes[0] == 0 && bytes[1] == 0xFF);
	CHECK(!parse_hex("00f", bytes, 2));
	CHECK(!parse_hex("00fff", bytes, 2));
	CHECK(!parse_hex("00fg", bytes, 2));
	CHECK(!parse_hex("0x00", bytes, 2));
}

/* Parses words, the last NULL. */
static BOOL parse(struct options *options, unsigned takes, ...)
{
	static const struct verb template = {.name = "verb", .operands = "", .maximum = 2};
	static struct word words[10];
	struct verb verb = template;
	unsigned number = 0;
	va_list arguments;
	const wchar_t *wide;

	va_start(arguments, takes);
	while ((wide = va_arg(arguments, const wchar_t *)) != NULL) {
		words[number].wide = wide;
		words[number++].text = utf8(wide);
	}
	va_end(arguments);
	verb.takes = takes;
	return parse_options(&verb, words, number, options);
}

static void options(void)
{
	struct options options;

	CHECK(parse(&options, 0, NULL) && options.count == 0 && options.device == 0 && options.seconds == 1);
	CHECK(parse(&options, TAKES_KEY, L"in", L"--key", L"k", L"--device=3", L"out", NULL));
	CHECK(options.count == 2 && !strcmp(options.operands[0].text, "in") &&
	      !strcmp(options.operands[1].text, "out"));
	CHECK(options.device == 3 && !strcmp(options.key.text, "k") && !options.iv.text);
	CHECK(parse(&options, TAKES_KEY, L"--key=\x65e5=x", NULL));
	CHECK(!strcmp(options.key.text, "\xe6\x97\xa5=x") && !wcscmp(options.key.wide, L"\x65e5=x"));
	CHECK(parse(&options, 0, L"--", L"--key", L"-x", NULL) && options.count == 2);
	CHECK(!strcmp(options.operands[0].text, "--key") && !strcmp(options.operands[1].text, "-x"));
	CHECK(parse(&options, 0, L"-", NULL) && options.count == 1);
	CHECK(parse(&options, TAKES_BENCH, L"--size", L"1M", L"--depth", L"64", NULL));
	CHECK(options.size == 1 << 20 && options.depth == 64);

	CHECK(!parse(&options, 0, L"--key", L"k", NULL)); /* another verb's */
	CHECK(!parse(&options, 0, L"--devic", L"1", NULL));
	CHECK(!parse(&options, 0, L"--devices=1", NULL));
	CHECK(!parse(&options, 0, L"--device", NULL));
	CHECK(!parse(&options, 0, L"--device=", NULL));
	CHECK(!parse(&options, 0, L"--device", L"1024", NULL));
	CHECK(!parse(&options, 0, L"-k", NULL));
	CHECK(!parse(&options, 0, L"a", L"b", L"c", NULL));
	CHECK(!parse(&options, TAKES_BENCH, L"--depth=65", NULL));
	CHECK(!parse(&options, TAKES_BENCH, L"--size=65M", NULL));
}

/* -- what is said ------------------------------------------------------------------------------------------------- */

static void lengths(void)
{
	char text[16];

	CHECK(!strcmp(bytes_text(text, sizeof(text), 0), "0 B"));
	CHECK(!strcmp(bytes_text(text, sizeof(text), 1023), "1023 B"));
	CHECK(!strcmp(bytes_text(text, sizeof(text), 1024), "1.0 KiB"));
	CHECK(!strcmp(bytes_text(text, sizeof(text), (1 << 20) - 1), "1.0 MiB"));
	CHECK(!strcmp(bytes_text(text, sizeof(text), 5ull << 30), "5.0 GiB"));
	CHECK(!strcmp(bytes_text(text, sizeof(text), ~0ull), "16.0 EiB"));
}

static void progress(void)
{
	char text[80];

	CHECK(!strcmp(progress_text(text, sizeof(text), 3ull << 30, 6ull << 30, 3000),
		      " 50 %, 3.0 GiB of 6.0 GiB, 1.0 GiB/s"));
	CHECK(!strcmp(progress_text(text, sizeof(text), 0, 6ull << 30, 0), "  0 %, 0 B of 6.0 GiB, 0 B/s"));
	CHECK(!strcmp(progress_text(text, sizeof(text), 7, 6, 1000), "100 %, 7 B of 6 B, 7 B/s"));
	CHECK(!strcmp(progress_text(text, sizeof(text), 2048, SIZE_UNKNOWN, 2000), "2.0 KiB, 1.0 KiB/s"));
	CHECK(!strcmp(progress_text(text, sizeof(text), 0, 0, 1000), "0 B, 0 B/s"));
	/* The longest line there is fits where it is written. */
	CHECK(strlen(progress_text(text, sizeof(text), ~0ull - 1, ~0ull - 1, 1)) < 60);
}

static void errors(void)
{
	char text[1024], little[8];

	CHECK(!strcmp(error_text(ERROR_ACCESS_DENIED, text, sizeof(text)), "Access denied (error 5)"));
	CHECK(!strcmp(error_text(0xDEAD, text, sizeof(text)), "(error 57005)"));
	CHECK(strlen(error_text(ERROR_ACCESS_DENIED, little, sizeof(little))) < sizeof(little));
}

/* -- streams ------------------------------------------------------------------------------------------------------ */

/* A source that gives `size` bytes of a pattern, at most `piece` at a time, and fails at `fail_at`. */
struct pattern {
	struct source source;
	ULONG64 size, at, fail_at;
	DWORD piece;
	const UCHAR *data; /* instead of the pattern */
	HANDLE stop; /* is set there instead of failing */
};

static DWORD read_pattern(struct source *source, void *data, DWORD size, DWORD *got)
{
	struct pattern *pattern = (struct pattern *)source;
	ULONG64 rest = pattern->size - pattern->at;

	if (pattern->at >= pattern->fail_at) {
		if (!pattern->stop)
			return ERROR_CRC;
		SetEvent(pattern->stop);
	}
	*got = size < pattern->piece ? size : pattern->piece;
	if (*got > rest)
		*got = (DWORD)rest;
	if (pattern->data)
		memcpy(data, pattern->data + pattern->at, *got);
	pattern->at += *got;
	return ERROR_SUCCESS;
}

static struct pattern pattern_of(ULONG64 size, DWORD piece)
{
	struct pattern pattern = {.source = {read_pattern}, .size = size, .piece = piece, .fail_at = ~0ull};

	return pattern;
}

/* A sink that counts, keeps the first bytes, and fails when it has got `fail_at`. */
struct keeper {
	struct sink sink;
	ULONG64 size, fail_at;
	UCHAR data[4096];
};

static DWORD keep(struct sink *sink, const void *data, DWORD size)
{
	struct keeper *keeper = (struct keeper *)sink;

	if (keeper->size + size > keeper->fail_at)
		return ERROR_DISK_FULL;
	for (DWORD i = 0; i < size && keeper->size + i < sizeof(keeper->data); i++)
		keeper->data[keeper->size + i] = ((const UCHAR *)data)[i];
	keeper->size += size;
	return ERROR_SUCCESS;
}

static const UCHAR key[CRYPTO_KEY_BYTES] = {3, 1, 4}, iv[CRYPTO_BLOCK_BYTES] = {2, 7, 1};

static struct stream stream_of(struct pattern *pattern, struct keeper *keeper, DWORD chunk)
{
	struct stream stream = {.source = &pattern->source, .sink = &keeper->sink, .stop = interrupted, .chunk = chunk};

	memset(keeper, 0, sizeof(*keeper));
	keeper->sink.write = keep;
	keeper->fail_at = ~0ull;
	CHECK(crypto_open(0, FALSE, &stream.client) == ERROR_SUCCESS);
	CHECK(crypto_set_key(stream.client, key) == ERROR_SUCCESS);
	return stream;
}

static const UCHAR *noise(void)
{
	static UCHAR data[4096];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (UCHAR)(i * i >> 3);
	return data;
}

/* Encrypted by stream_encrypt() in chunks, as bcrypt does it in one; and back. */
static void round_trip(DWORD size, DWORD piece, BOOL prefix)
{
	DWORD head = prefix ? CRYPTO_BLOCK_BYTES : 0, padded = size + 16 - size % 16;
	struct pattern pattern = pattern_of(size, piece), back;
	struct keeper keeper, plain;
	UCHAR wanted[4096 + 16];
	struct stream stream;

	pattern.data = noise();
	stream = stream_of(&pattern, &keeper, 64);
	CHECK(stream_encrypt(&stream, iv, prefix) == ERROR_SUCCESS);
	CHECK(stream.done == size);
	crypto_close(stream.client);
	memcpy(wanted, noise(), size);
	memset(wanted + size, (int)(padded - size), padded - size);
	CHECK(reference_cipher(TRUE, key, iv, wanted, padded));
	CHECK(keeper.size == head + padded && !memcmp(keeper.data + head, wanted, padded));
	CHECK(!prefix || !memcmp(keeper.data, iv, sizeof(iv)));

	back = pattern_of(keeper.size, piece);
	back.data = keeper.data;
	stream = stream_of(&back, &plain, 64);
	CHECK(stream_decrypt(&stream, prefix ? NULL : iv) == ERROR_SUCCESS);
	crypto_close(stream.client);
	CHECK(plain.size == size && !memcmp(plain.data, noise(), size));
}

static void all_lengths(void)
{
	for (DWORD size = 0; size <= 200; size++) {
		round_trip(size, 4096, size % 2);
		round_trip(size, 1 + size % 37, !(size % 2));
	}
	round_trip(4000, 4096, TRUE);
}

static void digest_lengths(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES], wanted[CRYPTO_DIGEST_BYTES];

	for (DWORD size = 0; size <= 300; size++) {
		struct pattern pattern = pattern_of(size, 1 + size % 50);
		struct keeper keeper;
		struct stream stream;

		pattern.data = noise();
		stream = stream_of(&pattern, &keeper, 64);
		CHECK(stream_digest(&stream, digest) == ERROR_SUCCESS);
		CHECK(reference_digest(noise(), size, wanted) && !memcmp(digest, wanted, sizeof(digest)));
		crypto_close(stream.client);
	}
}

/* More than 32 bits count, of a source that is no memory, through a device that computes nothing. */
static void huge(void)
{
	const ULONG64 size = (5ull << 30) + 12345;
	UCHAR digest[CRYPTO_DIGEST_BYTES];
	struct pattern pattern;
	struct keeper keeper;
	struct stream stream;

	fake_set("null");
	pattern = pattern_of(size, ~0u);
	stream = stream_of(&pattern, &keeper, STREAM_CHUNK);
	CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_SUCCESS);
	CHECK(stream.done == size && keeper.size == 16 + size + 16 - size % 16);
	CHECK(fake_bytes() == keeper.size - 16);
	crypto_close(stream.client);

	fake_set("null");
	pattern = pattern_of(size, ~0u);
	stream = stream_of(&pattern, &keeper, STREAM_CHUNK);
	CHECK(stream_digest(&stream, digest) == ERROR_SUCCESS);
	CHECK(stream.done == size && fake_bytes() == size);
	crypto_close(stream.client);
}

/* Runs `decrypt` over so many bytes and expects this failure. */
static void refuse(const UCHAR *data, DWORD size, BOOL has_iv, enum stream_failure failure)
{
	struct pattern pattern = pattern_of(size, 4096);
	struct keeper keeper;
	struct stream stream;

	pattern.data = data;
	stream = stream_of(&pattern, &keeper, 64);
	CHECK(stream_decrypt(&stream, has_iv ? iv : NULL) == ERROR_INVALID_DATA && stream.failure == failure);
	crypto_close(stream.client);
}

static void not_encrypted(void)
{
	UCHAR block[16];

	refuse(noise(), 0, FALSE, STREAM_SHORT);
	refuse(noise(), 15, FALSE, STREAM_SHORT);
	refuse(noise(), 16, FALSE, STREAM_SHORT);
	refuse(noise(), 0, TRUE, STREAM_SHORT);
	refuse(noise(), 17, FALSE, STREAM_UNEVEN);
	refuse(noise(), 15, TRUE, STREAM_UNEVEN);
	refuse(noise(), 64 + 8, TRUE, STREAM_UNEVEN);

	/* Padding of 0, of 17, and of 3 whose first byte is another. */
	memset(block, 0, sizeof(block));
	CHECK(reference_cipher(TRUE, key, iv, block, 16));
	refuse(block, 16, TRUE, STREAM_PADDING);
	memset(block, 17, sizeof(block));
	CHECK(reference_cipher(TRUE, key, iv, block, 16));
	refuse(block, 16, TRUE, STREAM_PADDING);
	memset(block, 3, sizeof(block));
	block[13] = 2;
	CHECK(reference_cipher(TRUE, key, iv, block, 16));
	refuse(block, 16, TRUE, STREAM_PADDING);
}

/* What goes wrong at every step: the error and what failed are reported, nothing is left in flight (see run()). */
static void failures_of_reading(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];

	for (ULONG64 at = 0; at <= 320; at += 64) {
		struct pattern pattern = pattern_of(320, 64);
		struct keeper keeper;
		struct stream stream = stream_of(&pattern, &keeper, 64);

		pattern.fail_at = at;
		CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_CRC && stream.failure == STREAM_READ);
		pattern.at = 0;
		CHECK(stream_decrypt(&stream, iv) == ERROR_CRC && stream.failure == STREAM_READ);
		CHECK(stream.done == at);
		pattern.at = 0;
		CHECK(stream_digest(&stream, digest) == ERROR_CRC && stream.failure == STREAM_READ);
		crypto_close(stream.client);
	}
}

/* The first chunk is with a device that does not answer: it is cancelled, and waited for, since it uses our memory. */
static void failures_in_flight(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];
	struct pattern pattern = pattern_of(320, 64);
	struct keeper keeper;
	struct stream stream = stream_of(&pattern, &keeper, 64);

	fake_set("hang");
	pattern.fail_at = 64;
	CHECK(stream_digest(&stream, digest) == ERROR_CRC && stream.failure == STREAM_READ);
	CHECK(fake_in_flight() == 0);
	pattern.at = 0;
	CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_CRC && stream.failure == STREAM_READ);
	CHECK(fake_in_flight() == 0);
	crypto_close(stream.client);
}

static void failures_of_writing(void)
{
	for (ULONG64 at = 0; at < 320; at += 16) {
		struct pattern pattern = pattern_of(320, 64);
		struct keeper keeper;
		struct stream stream = stream_of(&pattern, &keeper, 64);

		keeper.fail_at = at;
		CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_DISK_FULL && stream.failure == STREAM_WRITE);
		crypto_close(stream.client);
	}
}

static void failures_of_the_device(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];
	char words[20];

	for (int request = 1; request <= 6; request++) {
		struct pattern pattern = pattern_of(320, 64);
		struct keeper keeper;
		struct stream stream = stream_of(&pattern, &keeper, 64);

		snprintf(words, sizeof(words), "fail=%d", request);
		fake_set(words);
		CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_IO_DEVICE && stream.failure == STREAM_DEVICE);
		fake_set(words);
		pattern.at = 0;
		CHECK(stream_digest(&stream, digest) == ERROR_IO_DEVICE && stream.failure == STREAM_DEVICE);
		crypto_close(stream.client);
	}
}

static void no_key(void)
{
	struct pattern pattern = pattern_of(100, 100);
	struct keeper keeper;
	struct stream stream = stream_of(&pattern, &keeper, 64);

	crypto_close(stream.client);
	CHECK(crypto_open(0, FALSE, &stream.client) == ERROR_SUCCESS);
	CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_BAD_COMMAND && stream.failure == STREAM_DEVICE);
	crypto_close(stream.client);
}

/* -- files -------------------------------------------------------------------------------------------------------- */

/* Writes what is gathered in memory, and 5 bytes more, then the end. */
static DWORD WINAPI write_pipe(void *pipe)
{
	static UCHAR data[1 << 20];
	DWORD written;

	for (DWORD i = 0; i < SETTLED_MEMORY / sizeof(data); i++)
		WriteFile(pipe, data, sizeof(data), &written, NULL);
	WriteFile(pipe, "after", 5, &written, NULL);
	CloseHandle(pipe);
	return 0;
}

/* All of a pipe is there before any of it is used. */
static void settled(void)
{
	struct input input = {.source = {NULL}, .size = SIZE_UNKNOWN};
	const struct word nul = {L"NUL", "NUL"};
	static UCHAR data[1 << 20];
	HANDLE writer, thread;
	ULONG64 size = 0;
	DWORD got = 1;

	CHECK(input_open(&input, &nul) == ERROR_SUCCESS && input.size == SIZE_UNKNOWN);
	CloseHandle(input.handle);
	CHECK(CreatePipe(&input.handle, &writer, NULL, 0));
	thread = CreateThread(NULL, 0, write_pipe, writer, 0, NULL);
	CHECK(input_settle(&input, interrupted) == ERROR_SUCCESS);
	CHECK(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
	CHECK(GetFileType(input.handle) == FILE_TYPE_DISK);
	while (got) {
		CHECK(input.source.read(&input.source, data, sizeof(data), &got) == ERROR_SUCCESS);
		CHECK(size < SETTLED_MEMORY || got == 0 || (got == 5 && !memcmp(data, "after", 5)));
		size += got;
	}
	CHECK(size == SETTLED_MEMORY + 5);
	input_close(&input);
	CloseHandle(thread);
}

/* -- cancellation ------------------------------------------------------------------------------------------------- */

static void stopped_while_reading(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];

	for (ULONG64 at = 0; at < 320; at += 64) {
		struct pattern pattern = pattern_of(1 << 20, 64);
		struct keeper keeper;
		struct stream stream = stream_of(&pattern, &keeper, 64);

		pattern.fail_at = at;
		pattern.stop = interrupted;
		CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_OPERATION_ABORTED && stream.failure == STREAM_STOPPED);
		CHECK(pattern.at == at + 64);
		ResetEvent(interrupted);
		pattern.at = 0;
		CHECK(stream_digest(&stream, digest) == ERROR_OPERATION_ABORTED && stream.failure == STREAM_STOPPED);
		ResetEvent(interrupted);
		crypto_close(stream.client);
	}
}

/* Ctrl-C ends the writer of a pipe, too: what has come until then is not all. */
static void stopped_at_the_end(void)
{
	UCHAR digest[CRYPTO_DIGEST_BYTES];
	struct pattern pattern = pattern_of(128, 64);
	struct keeper keeper;
	struct stream stream = stream_of(&pattern, &keeper, 1024);

	pattern.fail_at = 128;
	pattern.stop = interrupted;
	CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_OPERATION_ABORTED && stream.failure == STREAM_STOPPED);
	ResetEvent(interrupted);
	pattern.at = 0;
	CHECK(stream_digest(&stream, digest) == ERROR_OPERATION_ABORTED && stream.failure == STREAM_STOPPED);
	crypto_close(stream.client);
}

static DWORD WINAPI stop_when_in_flight(void *unused)
{
	(void)unused;
	while (!fake_in_flight())
		Sleep(1);
	SetEvent(interrupted);
	return 0;
}

/* The device does not answer: only cancelling the request ends it. */
static void stopped_on_the_device(void)
{
	HANDLE thread = CreateThread(NULL, 0, stop_when_in_flight, NULL, 0, NULL);
	struct pattern pattern = pattern_of(1 << 20, 64);
	struct keeper keeper;
	struct stream stream;

	fake_set("hang");
	stream = stream_of(&pattern, &keeper, 64);
	CHECK(stream_encrypt(&stream, iv, TRUE) == ERROR_OPERATION_ABORTED && stream.failure == STREAM_STOPPED);
	crypto_close(stream.client);
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
}

static void limits(void)
{
	struct crypto_client *client;
	struct crypto_request request;
	UCHAR data[16] = {0};

	fake_set("hang");
	CHECK(crypto_open(0, FALSE, &client) == ERROR_SUCCESS && crypto_request_create(&request) == ERROR_SUCCESS);
	CHECK(crypto_start_digest(client, &request, CRYPTO_FIRST, data, sizeof(data)) == ERROR_SUCCESS);
	CHECK(crypto_finish(client, &request, NULL, 1) == WAIT_TIMEOUT && request.started);
	crypto_cancel(client, &request);
	CHECK(crypto_finish(client, &request, NULL, INFINITE) == ERROR_OPERATION_ABORTED && !request.started);
	crypto_request_delete(&request);
	crypto_close(client);
}

/* -- the library -------------------------------------------------------------------------------------------------- */

static void opening(void)
{
	struct crypto_client *client;

	CHECK(crypto_open(1, FALSE, &client) == ERROR_FILE_NOT_FOUND && !client);
	fake_set("denied");
	CHECK(crypto_open(0, FALSE, &client) == ERROR_ACCESS_DENIED && !client);
	crypto_close(NULL);
}

static void short_answers(void)
{
	struct crypto_client *client;
	CRYPTO_INFO info;

	fake_set("old");
	CHECK(crypto_open(0, FALSE, &client) == ERROR_SUCCESS);
	CHECK(crypto_get_info(client, &info) == ERROR_BAD_LENGTH);
	crypto_close(client);
}

static void resets(void)
{
	struct crypto_client *client;

	CHECK(crypto_open(0, FALSE, &client) == ERROR_SUCCESS && crypto_reset(client) == ERROR_ACCESS_DENIED);
	crypto_close(client);
	CHECK(crypto_open(0, TRUE, &client) == ERROR_SUCCESS && crypto_reset(client) == ERROR_SUCCESS);
	crypto_close(client);
}

int main(void)
{
	interrupted = CreateEventW(NULL, TRUE, FALSE, NULL);
	run("numbers have units, and limits that they can not overflow", numbers);
	run("hexadecimal digits are as many as they should be", hexadecimal);
	run("options are understood, or refused", options);
	run("lengths are shown in the unit that fits", lengths);
	run("progress is shown with and without a known end", progress);
	run("errors have Windows' text and their number", errors);
	run("data of every length is encrypted as bcrypt does, and decrypted", all_lengths);
	run("data of every length is digested as bcrypt does", digest_lengths);
	run("over 4 GiB are counted right", huge);
	run("what encrypt has not made is refused", not_encrypted);
	run("a source that fails at any moment ends the stream", failures_of_reading);
	run("what is in flight when a stream fails is cancelled and waited for", failures_in_flight);
	run("a sink that fails at any moment ends the stream", failures_of_writing);
	run("a device that fails at any moment ends the stream", failures_of_the_device);
	run("without a key nothing is encrypted", no_key);
	run("a pipe is gathered in memory and beyond it in a file", settled);
	run("a stream is stopped between two pieces of its source", stopped_while_reading);
	run("the end of a source after a stop is not taken for all of it", stopped_at_the_end);
	run("a stream is stopped when the device does not answer", stopped_on_the_device);
	run("a request that is over its limit is still in flight", limits);
	run("a device that is not there or not allowed can not be opened", opening);
	run("an answer that is too short is an error", short_answers);
	run("a reset needs a handle that may", resets);
	printf("1..%u\n", count);
	return failures ? 1 : 0;
}
