/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "../../../drivers/windows/crypto/tool/client.h"
#include "../../../drivers/windows/crypto/tool/reference.h"
#include "../../../drivers/windows/crypto/tool/transport.h"

#include <bcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND (16u << 20) /* bytes in one command */

struct transport {
	DWORD access;
	BOOL has_key, has_digest;
	UCHAR key[CRYPTO_KEY_BYTES], digest[CRYPTO_DIGEST_BYTES];
};

/* A request that is queued, or with the device. */
struct item {
	struct item *next;
	struct transport *handle;
	OVERLAPPED *overlapped;
	DWORD code, size, number;
	BOOL cancelled;
	UCHAR *data, key[CRYPTO_KEY_BYTES];
	union {
		CRYPTO_CIPHER cipher;
		CRYPTO_MESSAGE_PART part;
	} input;
};

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static CRITICAL_SECTION lock;
static CONDITION_VARIABLE changed;
static char faults[200];
static struct item *queue;
static struct transport *stream; /* whose message is open */
static BCRYPT_ALG_HANDLE algorithm;
static BCRYPT_HASH_HANDLE hash;
static UCHAR last_key[CRYPTO_KEY_BYTES];
static unsigned in_flight, handles, data_requests, forgotten;
static ULONG64 bytes_sent;
static BOOL killed;
static CRYPTO_STATISTICS statistics;

static BOOL has(const char *word)
{
	const char *found = strstr(faults, word);

	return found && (found == faults || found[-1] == ' ') && strchr(" =", found[strlen(word)]);
}

/* The number after "word=", or 0. */
static unsigned number_of(const char *word)
{
	return has(word) ? (unsigned)atoi(strchr(strstr(faults, word), '=') + 1) : 0;
}

/* -- the device --------------------------------------------------------------------------------------------------- */

static void end(struct item *item, DWORD error, DWORD moved)
{
	item->overlapped->Internal = error;
	item->overlapped->InternalHigh = moved;
	in_flight--;
	if (error == ERROR_OPERATION_ABORTED)
		statistics.Cancelled++;
	forgotten += !SetEvent(item->overlapped->hEvent);
	free(item);
}

static DWORD digest(struct item *item)
{
	ULONG flags = item->input.part.Flags;
	DWORD size = item->size > COMMAND && has("cut") ? COMMAND : item->size;

	if (has("null"))
		return ERROR_SUCCESS;
	if (flags & CRYPTO_FIRST || (has("nochain") && !(flags & CRYPTO_LAST))) {
		if (hash)
			BCryptDestroyHash(hash);
		BCryptCreateHash(algorithm, &hash, NULL, 0, NULL, 0, 0);
	}
	return BCryptHashData(hash, item->data, size, 0) ? ERROR_GEN_FAILURE : ERROR_SUCCESS;
}

static DWORD cipher(struct item *item)
{
	const UCHAR *key = has("onekey") ? last_key : item->key;

	if (has("null") || !item->size)
		return ERROR_SUCCESS;
	if (has("anylength") && item->size % CRYPTO_BLOCK_BYTES)
		return ERROR_SUCCESS;
	if (!reference_cipher(item->code == IOCTL_CRYPTO_ENCRYPT, key, item->input.cipher.Iv, item->data, item->size))
		return ERROR_GEN_FAILURE;
	if (has("flip") && item->size > 65536)
		item->data[item->size - 1] ^= 0x80;
	if (has("spill"))
		item->data[item->size] ^= 1;
	return ERROR_SUCCESS;
}

static void close_message(void)
{
	stream = NULL;
	if (hash)
		BCryptDestroyHash(hash);
	hash = NULL;
}

/* A part that fits its message, under the lock. */
static DWORD enter_message(struct item *item)
{
	if (item->number == number_of("lost"))
		close_message();
	if (!(item->input.part.Flags & CRYPTO_FIRST) && stream != item->handle) {
		if (!has("anyorder"))
			return ERROR_BAD_COMMAND;
		item->input.part.Flags |= CRYPTO_FIRST;
	}
	if (item->input.part.Flags & CRYPTO_FIRST)
		item->handle->has_digest = has("anyorder");
	stream = item->handle;
	return ERROR_SUCCESS;
}

static void leave_message(struct item *item, DWORD error)
{
	if (!error && item->input.part.Flags & CRYPTO_LAST) {
		if (!has("null"))
			BCryptFinishHash(hash, item->handle->digest, CRYPTO_DIGEST_BYTES, 0);
		item->handle->has_digest = TRUE;
	}
	if (stream == item->handle && (error || item->input.part.Flags & CRYPTO_LAST))
		close_message();
}

/* Under the lock, which it leaves while it computes. */
static DWORD serve(struct item *item)
{
	DWORD error = ERROR_SUCCESS;

	if (item->code == IOCTL_CRYPTO_DIGEST)
		error = enter_message(item);
	else if (stream == item->handle)
		close_message();
	while (has("hang") && !item->cancelled && !error)
		SleepConditionVariableCS(&changed, &lock, INFINITE);
	if (item->cancelled)
		error = has("cancelbad") ? ERROR_IO_DEVICE : ERROR_OPERATION_ABORTED;
	else if (item->number == number_of("fail") || killed)
		error = ERROR_IO_DEVICE;
	if (!error) {
		LeaveCriticalSection(&lock);
		error = item->code == IOCTL_CRYPTO_DIGEST ? digest(item) : cipher(item);
		EnterCriticalSection(&lock);
	}
	if (item->code == IOCTL_CRYPTO_DIGEST)
		leave_message(item, error);
	if (!has("nostat")) {
		statistics.Bytes += error ? 0 : item->size;
		statistics.Commands += 1 + item->size / COMMAND;
		statistics.Interrupts++;
	}
	return error;
}

/* The next request: of the open message, or else, when others wait and it does not go on, of the others. */
static struct item *next(void)
{
	struct item **link = &queue;

	while (*link && stream && (*link)->handle != stream)
		link = &(*link)->next;
	if (!*link && queue) {
		close_message();
		link = &queue;
	}
	return *link;
}

static void take_out(struct item *item)
{
	struct item **link = &queue;

	while (*link != item)
		link = &(*link)->next;
	*link = item->next;
}

static DWORD WINAPI device(void *unused)
{
	struct item *item;
	DWORD error;

	(void)unused;
	EnterCriticalSection(&lock);
	for (;;) {
		item = next();
		if (!item) {
			SleepConditionVariableCS(&changed, &lock, INFINITE);
			continue;
		}
		error = serve(item);
		take_out(item);
		end(item, error, error ? 0 : item->size);
	}
	return 0;
}

static BOOL CALLBACK prepare(INIT_ONCE *unused, void *parameter, void **context)
{
	(void)unused;
	(void)parameter;
	(void)context;
	InitializeCriticalSection(&lock);
	InitializeConditionVariable(&changed);
	GetEnvironmentVariableA("CRYPTO_FAKE", faults, sizeof(faults));
	BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0);
	return CreateThread(NULL, 0, device, NULL, 0, NULL) != NULL;
}

static void enter(void)
{
	InitOnceExecuteOnce(&once, prepare, NULL, NULL);
	EnterCriticalSection(&lock);
}

void fake_set(const char *words)
{
	enter();
	snprintf(faults, sizeof(faults), "%s", words);
	data_requests = 0;
	bytes_sent = 0;
	killed = FALSE;
	LeaveCriticalSection(&lock);
}

unsigned fake_in_flight(void)
{
	unsigned count;

	enter();
	count = in_flight;
	LeaveCriticalSection(&lock);
	return count;
}

unsigned fake_open(void)
{
	return handles;
}

unsigned fake_forgotten(void)
{
	return forgotten;
}

ULONG64 fake_bytes(void)
{
	return bytes_sent;
}

/* -- the driver --------------------------------------------------------------------------------------------------- */

DWORD transport_open(unsigned number, DWORD access, struct transport **transport)
{
	DWORD error = ERROR_SUCCESS;

	enter();
	if (number != 0 || has("absent"))
		error = ERROR_FILE_NOT_FOUND;
	else if (has("denied"))
		error = ERROR_ACCESS_DENIED;
	else if (!(*transport = calloc(1, sizeof(**transport))))
		error = ERROR_NOT_ENOUGH_MEMORY;
	if (!error) {
		(*transport)->access = access;
		handles++;
	}
	LeaveCriticalSection(&lock);
	return error;
}

void transport_close(struct transport *transport)
{
	enter();
	if (stream == transport)
		close_message();
	handles--;
	LeaveCriticalSection(&lock);
	free(transport);
}

static DWORD answer(void *output, DWORD room, const void *value, DWORD size, DWORD *moved)
{
	if (room < size)
		return ERROR_INSUFFICIENT_BUFFER;
	memcpy(output, value, size);
	*moved = has("old") ? size - 4 : size;
	return ERROR_SUCCESS;
}

static DWORD get_info(void *output, DWORD room, DWORD *moved)
{
	const CRYPTO_INFO info = {
		.DriverVersion = 0x10000,
		.DeviceVersion = 0x10000,
		.Features = 3,
		.MaximumCommand = COMMAND,
		.MaximumRequest = CRYPTO_MAXIMUM_REQUEST,
		.Interrupts = CryptoInterruptsMessages,
		.Messages = 4,
	};

	return answer(output, room, &info, sizeof(info), moved);
}

static DWORD set_key(struct transport *transport, const void *input, DWORD size)
{
	if (has("anystruct"))
		return ERROR_SUCCESS;
	if (size != sizeof(CRYPTO_KEY_VALUE))
		return ERROR_INVALID_PARAMETER;
	memcpy(transport->key, input, size);
	memcpy(last_key, input, size);
	transport->has_key = TRUE;
	return ERROR_SUCCESS;
}

/* What needs no device; ERROR_IO_PENDING: it does. */
static DWORD at_once(struct transport *transport, DWORD code, const void *input, DWORD input_size, void *data,
		     DWORD data_size, DWORD *moved)
{
	switch (code) {
	case IOCTL_CRYPTO_GET_INFO:
		return get_info(data, data_size, moved);
	case IOCTL_CRYPTO_GET_STATISTICS:
		return answer(data, data_size, &statistics, sizeof(statistics), moved);
	case IOCTL_CRYPTO_GET_DIGEST:
		if (!transport->has_digest)
			return ERROR_BAD_COMMAND;
		return answer(data, data_size, transport->digest, sizeof(transport->digest), moved);
	case IOCTL_CRYPTO_SET_KEY:
		return set_key(transport, input, input_size);
	case IOCTL_CRYPTO_RESET:
		if (!(transport->access & GENERIC_WRITE))
			return ERROR_ACCESS_DENIED;
		statistics.Resets++;
		return ERROR_SUCCESS;
	case IOCTL_CRYPTO_ENCRYPT:
	case IOCTL_CRYPTO_DECRYPT:
	case IOCTL_CRYPTO_DIGEST:
		return ERROR_IO_PENDING;
	default:
		return has("anycode") ? ERROR_SUCCESS : ERROR_INVALID_FUNCTION;
	}
}

/* What the driver refuses without asking the device. */
static DWORD check(const struct transport *transport, DWORD code, const void *input, DWORD input_size, DWORD size)
{
	BOOL is_digest = code == IOCTL_CRYPTO_DIGEST;

	if (input_size != (is_digest ? sizeof(CRYPTO_MESSAGE_PART) : sizeof(CRYPTO_CIPHER)) && !has("anystruct"))
		return ERROR_INVALID_PARAMETER;
	if (is_digest && ((const CRYPTO_MESSAGE_PART *)input)->Flags & ~(ULONG)(CRYPTO_FIRST | CRYPTO_LAST))
		return ERROR_INVALID_PARAMETER;
	if (size > CRYPTO_MAXIMUM_REQUEST && !has("anylength"))
		return ERROR_INVALID_PARAMETER;
	if (!is_digest && (!size || size % CRYPTO_BLOCK_BYTES) && !has("anylength"))
		return ERROR_INVALID_PARAMETER;
	return is_digest || transport->has_key || has("onekey") ? ERROR_SUCCESS : ERROR_BAD_COMMAND;
}

static DWORD enqueue(struct transport *transport, OVERLAPPED *overlapped, DWORD code, const void *input,
		     DWORD input_size, void *data, DWORD data_size)
{
	struct item *item = calloc(1, sizeof(*item)), **link = &queue;

	if (!item)
		return ERROR_NOT_ENOUGH_MEMORY;
	item->handle = transport;
	item->overlapped = overlapped;
	item->code = code;
	item->data = data;
	item->size = data_size;
	item->number = ++data_requests;
	memcpy(item->key, transport->key, sizeof(item->key));
	memcpy(&item->input, input, input_size < sizeof(item->input) ? input_size : sizeof(item->input));
	bytes_sent += data_size;
	statistics.Requests += !has("nostat");
	while (*link)
		link = &(*link)->next;
	*link = item;
	in_flight++;
	WakeAllConditionVariable(&changed);
	return ERROR_IO_PENDING;
}

DWORD transport_send(struct transport *transport, OVERLAPPED *overlapped, DWORD code, void *input, DWORD input_size,
		     void *data, DWORD data_size)
{
	DWORD error, moved = 0;

	enter();
	ResetEvent(overlapped->hEvent);
	error = at_once(transport, code, input, input_size, data, data_size, &moved);
	if (error == ERROR_SUCCESS) {
		overlapped->Internal = ERROR_SUCCESS;
		overlapped->InternalHigh = moved;
		SetEvent(overlapped->hEvent);
		error = ERROR_IO_PENDING;
	} else if (error == ERROR_IO_PENDING) {
		error = check(transport, code, input, input_size, data_size);
		if (!error)
			error = enqueue(transport, overlapped, code, input, input_size, data, data_size);
	}
	LeaveCriticalSection(&lock);
	return error;
}

DWORD transport_result(struct transport *transport, OVERLAPPED *overlapped, DWORD *moved)
{
	(void)transport;
	*moved = (DWORD)overlapped->InternalHigh;
	return (DWORD)overlapped->Internal;
}

/* The item stays queued: the device ends it when its turn comes. */
void transport_cancel(struct transport *transport, OVERLAPPED *overlapped)
{
	enter();
	for (struct item *item = queue; item; item = item->next)
		if (item->handle == transport && item->overlapped == overlapped)
			item->cancelled = TRUE;
	if (has("cancelbad"))
		overlapped->Internal = ERROR_IO_DEVICE;
	killed |= has("cancelkills");
	WakeAllConditionVariable(&changed);
	LeaveCriticalSection(&lock);
}
