/* SPDX-License-Identifier: Apache-2.0 */
/* What the entry stub needs of <ntddk.h>, so that it can be tested on this side. */
#ifndef FAKE_NTDDK_H
#define FAKE_NTDDK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NTAPI
#define __declspec(x)

typedef int32_t NTSTATUS;
typedef uint32_t ULONG;
typedef uint8_t BOOLEAN;
typedef uint16_t USHORT;
typedef wchar_t WCHAR; /* two bytes here too: -fshort-wchar */
typedef const WCHAR *PCWSTR;
typedef void *PVOID;

typedef struct {
	USHORT Length, MaximumLength;
	WCHAR *Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

struct driver_object;
typedef void (*PDRIVER_UNLOAD)(struct driver_object *);
typedef struct driver_object {
	PDRIVER_UNLOAD DriverUnload;
} *PDRIVER_OBJECT;

#define NT_SUCCESS(status) ((status) >= 0)
#define STATUS_SUCCESS 0
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_NAME_TOO_LONG ((NTSTATUS)0xC0000106)

static inline void RtlCopyUnicodeString(PUNICODE_STRING to, PUNICODE_STRING from)
{
	to->Length = from->Length < to->MaximumLength ? from->Length : to->MaximumLength;
	memcpy(to->Buffer, from->Buffer, to->Length);
}

#endif
