/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <stdlib.h>
#include <string.h>

/* -- input -------------------------------------------------------------------------------------------------------- */

/* Nothing read is the end of a file, but not of a pipe: somebody may have written nothing into it. */
static BOOL goes_on(HANDLE handle)
{
	return GetFileType(handle) == FILE_TYPE_PIPE && PeekNamedPipe(handle, NULL, 0, NULL, NULL, NULL);
}

static DWORD read_handle(HANDLE handle, void *data, DWORD size, DWORD *got)
{
	do {
		*got = 0;
		if (ReadFile(handle, data, size, got, NULL))
			continue;
		if (GetLastError() != ERROR_BROKEN_PIPE && GetLastError() != ERROR_HANDLE_EOF)
			return GetLastError();
		*got = 0;
		return ERROR_SUCCESS; /* who wrote into the pipe has ended */
	} while (!*got && goes_on(handle));
	return ERROR_SUCCESS;
}

static DWORD read_input(struct source *source, void *data, DWORD size, DWORD *got)
{
	struct input *input = (struct input *)source;
	DWORD rest = input->settled_size - input->settled_at;

	if (!rest)
		return read_handle(input->handle, data, size, got);
	*got = size < rest ? size : rest;
	memcpy(data, input->settled + input->settled_at, *got);
	input->settled_at += *got;
	return ERROR_SUCCESS;
}

DWORD input_open(struct input *input, const struct word *name)
{
	LARGE_INTEGER size;

	memset(input, 0, sizeof(*input));
	input->source.read = read_input;
	input->standard = strcmp(name->text, "-") == 0;
	if (input->standard)
		input->handle = GetStdHandle(STD_INPUT_HANDLE);
	else
		input->handle = CreateFileW(name->wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
					    FILE_FLAG_SEQUENTIAL_SCAN, NULL);
	if (!input->handle || input->handle == INVALID_HANDLE_VALUE)
		return input->standard ? ERROR_INVALID_HANDLE : GetLastError();
	input->size = SIZE_UNKNOWN;
	if (GetFileType(input->handle) == FILE_TYPE_DISK && GetFileSizeEx(input->handle, &size))
		input->size = (ULONG64)size.QuadPart;
	return ERROR_SUCCESS;
}

void input_close(struct input *input)
{
	if (input->settled) {
		SecureZeroMemory(input->settled, SETTLED_MEMORY);
		VirtualFree(input->settled, 0, MEM_RELEASE);
	}
	if (!input->standard && input->handle && input->handle != INVALID_HANDLE_VALUE)
		CloseHandle(input->handle);
}

static DWORD temporary_file(HANDLE *handle)
{
	wchar_t folder[MAX_PATH + 1], name[MAX_PATH + 1];

	if (!GetTempPathW(MAX_PATH + 1, folder) || !GetTempFileNameW(folder, L"cry", 0, name))
		return GetLastError();
	*handle = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
			      FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
	return *handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
}

static DWORD write_all(HANDLE handle, const void *data, DWORD size)
{
	const UCHAR *at = data;
	DWORD written;

	for (; size; at += written, size -= written)
		if (!WriteFile(handle, at, size, &written, NULL))
			return GetLastError();
	return ERROR_SUCCESS;
}

/* Ctrl-C also ends who writes into our pipe, and that is no end of the data. */
static DWORD read_until_stopped(struct input *input, void *data, DWORD size, DWORD *got, HANDLE stop)
{
	DWORD error = read_input(&input->source, data, size, got);

	return stop && WaitForSingleObject(stop, 0) == WAIT_OBJECT_0 ? ERROR_OPERATION_ABORTED : error;
}

/* Copies the rest of the input to a temporary file, from which it is read from then on. */
static DWORD spill(struct input *input, HANDLE stop)
{
	LARGE_INTEGER start = {.QuadPart = 0};
	const DWORD size = 1u << 20;
	HANDLE file = INVALID_HANDLE_VALUE;
	DWORD error, got = 1;
	UCHAR *buffer;

	buffer = malloc(size);
	error = buffer ? temporary_file(&file) : ERROR_NOT_ENOUGH_MEMORY;
	while (!error && got) {
		error = read_until_stopped(input, buffer, size, &got, stop);
		if (!error)
			error = write_all(file, buffer, got);
	}
	free(buffer);
	if (!error && !SetFilePointerEx(file, start, NULL, FILE_BEGIN))
		error = GetLastError();
	if (error) {
		if (file != INVALID_HANDLE_VALUE)
			CloseHandle(file);
		return error;
	}
	if (!input->standard)
		CloseHandle(input->handle);
	input->standard = FALSE;
	input->handle = file;
	return ERROR_SUCCESS;
}

DWORD input_settle(struct input *input, HANDLE stop)
{
	DWORD error = ERROR_SUCCESS, size = 0, got = 1;
	UCHAR *memory;

	if (input->size != SIZE_UNKNOWN)
		return ERROR_SUCCESS;
	memory = VirtualAlloc(NULL, SETTLED_MEMORY, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	if (!memory)
		return GetLastError();
	while (!error && got && size < SETTLED_MEMORY) {
		error = read_until_stopped(input, memory + size, SETTLED_MEMORY - size, &got, stop);
		size += error ? 0 : got;
	}
	if (!error && got)
		error = spill(input, stop);
	input->settled = memory;
	input->settled_size = size;
	return error;
}

/* -- output ------------------------------------------------------------------------------------------------------- */

static DWORD write_output(struct sink *sink, const void *data, DWORD size)
{
	return write_all(((struct output *)sink)->handle, data, size);
}

/* What is no file on a disk, such as NUL or a named pipe, is written to as it is. */
static HANDLE open_special(const wchar_t *name)
{
	HANDLE handle =
		CreateFileW(name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

	if (handle != INVALID_HANDLE_VALUE && GetFileType(handle) == FILE_TYPE_DISK) {
		CloseHandle(handle);
		handle = INVALID_HANDLE_VALUE;
	}
	return handle;
}

DWORD output_open(struct output *output, const struct word *name)
{
	static const wchar_t suffix[] = L".incomplete";
	size_t length = wcslen(name->wide);
	DWORD error;

	memset(output, 0, sizeof(*output));
	output->sink.write = write_output;
	output->standard = strcmp(name->text, "-") == 0;
	output->handle = output->standard ? GetStdHandle(STD_OUTPUT_HANDLE) : open_special(name->wide);
	if (output->handle && output->handle != INVALID_HANDLE_VALUE)
		return ERROR_SUCCESS;
	if (output->standard)
		return ERROR_INVALID_HANDLE;

	output->name = name->wide;
	output->incomplete = malloc(length * sizeof(wchar_t) + sizeof(suffix));
	if (!output->incomplete)
		return ERROR_NOT_ENOUGH_MEMORY;
	memcpy(output->incomplete, name->wide, length * sizeof(wchar_t));
	memcpy(output->incomplete + length, suffix, sizeof(suffix));
	output->handle = CreateFileW(output->incomplete, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
	error = output->handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
	if (error)
		free(output->incomplete);
	return error;
}

static DWORD close_output(struct output *output)
{
	if (output->standard)
		return ERROR_SUCCESS;
	return CloseHandle(output->handle) ? ERROR_SUCCESS : GetLastError();
}

DWORD output_complete(struct output *output)
{
	DWORD error = close_output(output);

	if (!output->incomplete)
		return error;
	if (!error && !MoveFileExW(output->incomplete, output->name, MOVEFILE_REPLACE_EXISTING))
		error = GetLastError();
	if (error)
		DeleteFileW(output->incomplete);
	free(output->incomplete);
	return error;
}

void output_abandon(struct output *output)
{
	close_output(output);
	if (output->incomplete)
		DeleteFileW(output->incomplete);
	free(output->incomplete);
}

BOOL output_is_console(const struct output *output)
{
	DWORD mode;

	return GetConsoleMode(output->handle, &mode);
}
