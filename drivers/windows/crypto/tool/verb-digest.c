/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoctl digest. The driver keeps the device for the message that is under way, and gives it up when the next part
 * is late: so what comes from a pipe is gathered first.
 */
#include "tool.h"

#include "file.h"
#include "say.h"

#include <stdio.h>

struct digest_stream {
	struct stream stream;
	struct progress progress;
};

static void show(struct stream *stream, ULONG64 done)
{
	progress_show(&((struct digest_stream *)stream)->progress, done);
}

static void say_digest(const UCHAR digest[CRYPTO_DIGEST_BYTES], const struct word *name)
{
	char text[2 * CRYPTO_DIGEST_BYTES + 1];

	for (unsigned i = 0; i < CRYPTO_DIGEST_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	say("%s  %s\n", text, name->text);
}

static void complain_of_digest(const struct stream *stream, DWORD error, const struct word *name)
{
	switch (stream->failure) {
	case STREAM_READ:
		complain_of(error, "cannot read '%s'", name->text);
		break;
	case STREAM_STOPPED:
		complain("interrupted");
		break;
	case STREAM_MEMORY:
		complain_of(error, "no memory for '%s'", name->text);
		break;
	default:
		complain_of_device(error);
		break;
	}
}

static int digest_input(struct crypto_client *client, struct input *input, const struct word *name)
{
	struct digest_stream digest = {
		.stream = {.client = client,
			   .source = &input->source,
			   .stop = interrupted,
			   .progress = show,
			   .chunk = STREAM_CHUNK},
	};
	UCHAR value[CRYPTO_DIGEST_BYTES];
	DWORD error;

	error = input_settle(input, interrupted);
	if (error) {
		if (WaitForSingleObject(interrupted, 0) == WAIT_OBJECT_0)
			complain("interrupted");
		else
			complain_of(error, "cannot gather '%s' in memory and a temporary file", name->text);
		return FAILED;
	}
	progress_start(&digest.progress, input->size);
	error = stream_digest(&digest.stream, value);
	progress_end(&digest.progress);
	if (error) {
		complain_of_digest(&digest.stream, error, name);
		return FAILED;
	}
	say_digest(value, name);
	return DONE;
}

/* Files that can not be read do not keep the others from being digested. */
int run_digest(const struct options *options)
{
	static const struct word standard = {L"-", "-"};
	unsigned count = options->count ? options->count : 1;
	struct crypto_client *client;
	int status = DONE;

	if (!open_client(options, &client))
		return FAILED;
	for (unsigned i = 0; i < count && WaitForSingleObject(interrupted, 0) != WAIT_OBJECT_0; i++) {
		const struct word *name = options->count ? &options->operands[i] : &standard;
		struct input input;
		DWORD error = input_open(&input, name);

		if (error)
			complain_of(error, "cannot open '%s'", name->text);
		if (error || digest_input(client, &input, name))
			status = FAILED;
		input_close(&input);
	}
	crypto_close(client);
	return status;
}
