/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and pipes as sources and sinks of streams. The name "-" is standard input or output.
 *
 * An output file takes its name only when it is complete: until then it is NAME.incomplete. So a file that is there
 * already is replaced at once or not at all, and may be the input itself.
 */
#ifndef CRYPTO_FILE_H
#define CRYPTO_FILE_H

#include "stream.h"
#include "word.h"

#define SIZE_UNKNOWN (~(ULONG64)0)

struct input {
	struct source source;
	HANDLE handle;
	BOOL standard; /* not ours to close */
	ULONG64 size; /* bytes, or SIZE_UNKNOWN */
	UCHAR *settled; /* of input_settle(): memory that is read before the handle */
	DWORD settled_size, settled_at;
};

/* Ends with input_close(), also after an error. */
DWORD input_open(struct input *input, const struct word *name);
void input_close(struct input *input);

/*
 * Makes sure that the input does not keep its reader waiting, as a pipe may for ever: reads all of it, into memory, and
 * what is beyond SETTLED_MEMORY into a temporary file that is deleted with its handle. A file is left as it is. `stop`
 * (or NULL) is an event that ends it with ERROR_OPERATION_ABORTED.
 */
#define SETTLED_MEMORY (64u << 20)
DWORD input_settle(struct input *input, HANDLE stop);

struct output {
	struct sink sink;
	HANDLE handle;
	BOOL standard;
	const wchar_t *name; /* it gets in the end, or NULL */
	wchar_t *incomplete; /* the name that it has until then */
};

/* Ends with output_complete() or output_abandon(); after an error with neither. */
DWORD output_open(struct output *output, const struct word *name);
DWORD output_complete(struct output *output);
void output_abandon(struct output *output);

/* Would bytes be shown to a human? */
BOOL output_is_console(const struct output *output);

#endif
