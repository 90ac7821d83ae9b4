/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl encrypt and decrypt; the file format is in stream.h.
 */
#include "tool.h"

#include "file.h"
#include "reference.h"
#include "say.h"

#include <string.h>

/* What one run works on. */
struct job {
	struct stream stream;
	struct progress progress;
	const struct word *input_name, *output_name;
	struct input input;
	struct output output;
	UCHAR iv[CRYPTO_BLOCK_BYTES];
	BOOL has_iv; /* the user gave it */
};

static const struct word standard = {L"-", "-"};

/* -- the key ------------------------------------------------------------------------------------------------------ */

/* The digits and what ends a line after them. */
static BOOL key_of_digits(char *text, DWORD size, UCHAR key[CRYPTO_KEY_BYTES])
{
	while (size && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' '))
		size--;
	text[size] = '\0';
	return parse_hex(text, key, CRYPTO_KEY_BYTES);
}

static BOOL read_key(const struct word *name, UCHAR key[CRYPTO_KEY_BYTES])
{
	char text[2 * CRYPTO_KEY_BYTES + 8];
	DWORD size = 0, got = 1, error;
	struct input input;
	BOOL good = FALSE;

	error = input_open(&input, name);
	while (!error && got && size < sizeof(text) - 1) {
		error = input.source.read(&input.source, text + size, sizeof(text) - 1 - size, &got);
		size += error ? 0 : got;
	}
	input_close(&input);
	if (error) {
		complain_of(error, "cannot read the key from '%s'", name->text);
	} else if (size == CRYPTO_KEY_BYTES) {
		memcpy(key, text, CRYPTO_KEY_BYTES);
		good = TRUE;
	} else {
		good = key_of_digits(text, size, key);
		if (!good)
			complain("'%s' holds no key: that is 32 bytes, or 64 hexadecimal digits", name->text);
	}
	SecureZeroMemory(text, sizeof(text));
	return good;
}

static int set_key(struct crypto_client *client, const struct word *name)
{
	UCHAR key[CRYPTO_KEY_BYTES];
	DWORD error;

	if (!read_key(name, key))
		return FAILED;
	error = crypto_set_key(client, key);
	SecureZeroMemory(key, sizeof(key));
	if (error)
		complain_of_device(error);
	return error ? FAILED : DONE;
}

/* -- the data ----------------------------------------------------------------------------------------------------- */

static void show(struct stream *stream, ULONG64 done)
{
	progress_show(&((struct job *)stream)->progress, done);
}

static void complain_of_job(const struct job *job, DWORD error)
{
	const char *input = job->input_name->text;

	switch (job->stream.failure) {
	case STREAM_READ:
		complain_of(error, "cannot read '%s'", input);
		break;
	case STREAM_WRITE:
		complain_of(error, "cannot write '%s'", job->output_name->text);
		break;
	case STREAM_MEMORY:
		complain_of(error, "no memory for '%s'", input);
		break;
	case STREAM_SHORT:
		complain("'%s' is shorter than anything that encrypt makes%s", input,
			 job->has_iv ? "" : "; when it was made with --iv, that is needed here too");
		break;
	case STREAM_UNEVEN:
		complain("'%s' is not encrypted, or not complete: its length is no multiple of 16", input);
		break;
	case STREAM_PADDING:
		complain("'%s' does not end as encrypt makes it: another key, another --iv, or another file", input);
		break;
	case STREAM_STOPPED:
		complain("interrupted");
		break;
	case STREAM_DEVICE:
		complain_of_device(error);
		break;
	}
}

static DWORD stream_job(struct job *job, BOOL encrypt)
{
	DWORD error;

	progress_start(&job->progress, job->input.size);
	if (encrypt)
		error = stream_encrypt(&job->stream, job->iv, !job->has_iv);
	else
		error = stream_decrypt(&job->stream, job->has_iv ? job->iv : NULL);
	progress_end(&job->progress);
	if (error)
		complain_of_job(job, error);
	return error;
}

/* Input and output are open. */
static int run_job(struct job *job, BOOL encrypt)
{
	DWORD error;

	if (encrypt && output_is_console(&job->output)) {
		complain("what is encrypted is nothing for a console: name a file, or send it into a pipe");
		output_abandon(&job->output);
		return MISUSED;
	}
	job->stream.source = &job->input.source;
	job->stream.sink = &job->output.sink;
	error = stream_job(job, encrypt);
	input_close(&job->input); /* the output may take its name */
	job->input.handle = NULL;
	if (error) {
		output_abandon(&job->output);
		return FAILED;
	}
	error = output_complete(&job->output);
	if (error)
		complain_of(error, "cannot write '%s'", job->output_name->text);
	return error ? FAILED : DONE;
}

static int open_and_run(struct job *job, BOOL encrypt)
{
	DWORD error = input_open(&job->input, job->input_name);
	int status = FAILED;

	if (error) {
		complain_of(error, "cannot open '%s'", job->input_name->text);
		return FAILED;
	}
	error = output_open(&job->output, job->output_name);
	if (error)
		complain_of(error, "cannot create '%s'", job->output_name->text);
	else
		status = run_job(job, encrypt);
	input_close(&job->input);
	return status;
}

static int run(const struct options *options, BOOL encrypt)
{
	struct job job = {.stream = {.stop = interrupted, .progress = show, .chunk = STREAM_CHUNK}};
	int status;

	job.input_name = options->count > 0 ? &options->operands[0] : &standard;
	job.output_name = options->count > 1 ? &options->operands[1] : &standard;
	job.has_iv = options->iv.text != NULL;
	if (!options->key.text) {
		complain("--key FILE is needed: the file with the key");
		return MISUSED;
	}
	if (job.has_iv && !parse_hex(options->iv.text, job.iv, sizeof(job.iv))) {
		complain("--iv takes 32 hexadecimal digits, not '%s'", options->iv.text);
		return MISUSED;
	}
	if (!strcmp(options->key.text, "-") && !strcmp(job.input_name->text, "-")) {
		complain("key and data can not both come from standard input");
		return MISUSED;
	}
	if (!job.has_iv && encrypt && !reference_random(job.iv, sizeof(job.iv))) {
		complain("Windows has no random numbers for an initialisation vector");
		return FAILED;
	}
	if (!open_client(options, &job.stream.client))
		return FAILED;
	status = set_key(job.stream.client, &options->key);
	if (status == DONE)
		status = open_and_run(&job, encrypt);
	crypto_close(job.stream.client);
	return status;
}

int run_encrypt(const struct options *options)
{
	return run(options, TRUE);
}

int run_decrypt(const struct options *options)
{
	return run(options, FALSE);
}
