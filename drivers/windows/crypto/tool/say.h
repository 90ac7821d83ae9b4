/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tool says: results on standard output, complaints and progress on standard error. All text is UTF-8 here;
 * a console gets it as Unicode, whatever its code page, a pipe or a file as it is.
 */
#ifndef CRYPTO_SAY_H
#define CRYPTO_SAY_H

#include <windows.h>

#ifdef __GNUC__
#define SAY_FORMAT(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define SAY_FORMAT(text, first)
#endif

/* A result. */
void say(const char *format, ...) SAY_FORMAT(1, 2);

/* Has all of it been written? If not: complains, and returns FALSE. */
BOOL said(void);

/* A sentence on standard error, after "cryptoctl: ", with a full stop. */
void complain(const char *format, ...) SAY_FORMAT(1, 2);

/* The same, and what Windows calls the error: "cryptoctl: cannot read x: The device is not ready (error 21)." */
void complain_of(DWORD error, const char *format, ...) SAY_FORMAT(2, 3);

/* Writes Windows' text for an error, without its full stop, and its number. Returns text. */
const char *error_text(DWORD error, char *text, size_t size);

/* A wide string in UTF-8; the caller frees it. NULL: no memory. */
char *utf8(const wchar_t *wide);

/* Progress: one line, on a console only, written over and over. */
struct progress {
	BOOL shown; /* is there a console? */
	BOOL written; /* and something on it */
	ULONG64 total; /* bytes, or SIZE_UNKNOWN */
	ULONG64 started, last; /* GetTickCount64() */
};

void progress_start(struct progress *progress, ULONG64 total);
void progress_show(struct progress *progress, ULONG64 done);
void progress_end(struct progress *progress);

/* " 42 %, 1.2 GiB of 2.9 GiB, 812 MiB/s": the line after so many milliseconds. Returns text. */
const char *progress_text(char *text, size_t size, ULONG64 done, ULONG64 total, ULONG64 milliseconds);

/* "4.0 KiB": bytes for people. Returns text. */
const char *bytes_text(char *text, size_t size, ULONG64 bytes);

#endif
