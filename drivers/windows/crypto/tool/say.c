/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

#include "file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static DWORD output_error;

static DWORD write_console(HANDLE handle, const char *text)
{
	int length = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
	wchar_t *wide = calloc((size_t)length + 1, sizeof(*wide));
	DWORD written, error = ERROR_SUCCESS;

	if (!wide)
		return ERROR_NOT_ENOUGH_MEMORY;
	MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, length);
	if (!WriteConsoleW(handle, wide, (DWORD)wcslen(wide), &written, NULL))
		error = GetLastError();
	free(wide);
	return error;
}

static DWORD write_text(DWORD standard, const char *text)
{
	HANDLE handle = GetStdHandle(standard);
	DWORD mode, written, size = (DWORD)strlen(text);

	if (GetConsoleMode(handle, &mode))
		return write_console(handle, text);
	for (; size; text += written, size -= written)
		if (!WriteFile(handle, text, size, &written, NULL))
			return GetLastError();
	return ERROR_SUCCESS;
}

/* The text of a format, which the caller frees; NULL without memory. */
static char *format_text(const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = length < 0 ? NULL : malloc((size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

void say(const char *format, ...)
{
	va_list arguments;
	DWORD error;
	char *text;

	va_start(arguments, format);
	text = format_text(format, arguments);
	va_end(arguments);
	error = text ? write_text(STD_OUTPUT_HANDLE, text) : ERROR_NOT_ENOUGH_MEMORY;
	if (error && !output_error)
		output_error = error;
	free(text);
}

BOOL said(void)
{
	if (output_error)
		complain_of(output_error, "cannot write to standard output");
	return !output_error;
}

/* Nobody is left to tell when standard error can not be written. */
static void complaint(const char *text, const char *reason)
{
	write_text(STD_ERROR_HANDLE, "cryptoctl: ");
	write_text(STD_ERROR_HANDLE, text ? text : "out of memory");
	write_text(STD_ERROR_HANDLE, reason ? ": " : "");
	write_text(STD_ERROR_HANDLE, reason ? reason : "");
	write_text(STD_ERROR_HANDLE, ".\n");
}

void complain(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_text(format, arguments);
	va_end(arguments);
	complaint(text, NULL);
	free(text);
}

void complain_of(DWORD error, const char *format, ...)
{
	char reason[1024], *text;
	va_list arguments;

	va_start(arguments, format);
	text = format_text(format, arguments);
	va_end(arguments);
	complaint(text, error_text(error, reason, sizeof(reason)));
	free(text);
}

const char *error_text(DWORD error, char *text, size_t size)
{
	wchar_t *message = NULL;
	char *narrow = NULL;
	size_t length = 0;

	if (FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
			   NULL, error, 0, (wchar_t *)&message, 0, NULL)) {
		narrow = utf8(message);
		LocalFree(message);
	}
	if (narrow)
		for (length = strlen(narrow); length && strchr(". \r\n", narrow[length - 1]); length--)
			;
	snprintf(text, size, "%.*s (error %lu)", (int)length, length ? narrow : "", error);
	free(narrow);
	return length ? text : strchr(text, '(');
}

char *utf8(const wchar_t *wide)
{
	int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
	char *text = calloc((size_t)size + 1, 1);

	if (text)
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
	return text;
}

/* -- progress ----------------------------------------------------------------------------------------------------- */

#define PROGRESS_DELAY 500 /* milliseconds: what is done sooner needs no line */
#define PROGRESS_PERIOD 100

const char *bytes_text(char *text, size_t size, ULONG64 bytes)
{
	static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	unsigned unit = 0;

	if (bytes < 1024) {
		snprintf(text, size, "%u B", (unsigned)bytes);
		return text;
	}
	for (; value >= 1023.95 && unit < ARRAYSIZE(units) - 1; unit++)
		value /= 1024;
	snprintf(text, size, "%.1f %s", value, units[unit]);
	return text;
}

const char *progress_text(char *text, size_t size, ULONG64 done, ULONG64 total, ULONG64 milliseconds)
{
	char now[16], all[16], rate[16];
	ULONG64 per_second = milliseconds ? (ULONG64)((double)done * 1000 / (double)milliseconds) : 0;

	bytes_text(now, sizeof(now), done);
	bytes_text(rate, sizeof(rate), per_second);
	if (total == SIZE_UNKNOWN || total == 0) {
		snprintf(text, size, "%s, %s/s", now, rate);
		return text;
	}
	/* A file may grow while it is read. */
	bytes_text(all, sizeof(all), total);
	snprintf(text, size, "%3u %%, %s of %s, %s/s",
		 done < total ? (unsigned)((double)done * 100 / (double)total) : 100, now, all, rate);
	return text;
}

void progress_start(struct progress *progress, ULONG64 total)
{
	DWORD mode;

	memset(progress, 0, sizeof(*progress));
	progress->total = total;
	progress->started = progress->last = GetTickCount64();
	progress->shown = GetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), &mode);
}

void progress_show(struct progress *progress, ULONG64 done)
{
	ULONG64 now = GetTickCount64();
	char text[80], line[80];

	if (!progress->shown || now - progress->started < PROGRESS_DELAY || now - progress->last < PROGRESS_PERIOD)
		return;
	progress->last = now;
	progress->written = TRUE;
	snprintf(line, sizeof(line), "\r%-60s",
		 progress_text(text, sizeof(text), done, progress->total, now - progress->started));
	write_text(STD_ERROR_HANDLE, line);
}

void progress_end(struct progress *progress)
{
	if (progress->written)
		write_text(STD_ERROR_HANDLE, "\r                                                            \r");
}
