/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures that a driver shares with Windows, or with applications, are laid out as Windows has them. The framework's
 * own are compared with tables (headers.py); these come from mingw-w64's DDK headers, where nobody else looks. It only
 * has to compile, for x64 and for x86: layout.py. The numbers are those of Windows 10 (x64, x86).
 */
#include <ntddk.h>

#include "public.h"

#ifdef _WIN64
#define WINDOWS(x64, x86) (x64)
#else
#define WINDOWS(x64, x86) (x86)
#endif

#define SIZE(type, x64, x86) _Static_assert(sizeof(type) == WINDOWS(x64, x86), "the size of " #type)
#define PLACE(type, member, x64, x86)                                                                                  \
	_Static_assert(FIELD_OFFSET(type, member) == WINDOWS(x64, x86), "where " #member " is in " #type)

/* 64-bit members are aligned to 8 bytes in x86 structures too, as Microsoft's compilers do, unless packed. */
struct alignment {
	UCHAR byte;
	LONGLONG value;
};
_Static_assert(FIELD_OFFSET(struct alignment, value) == 8, "alignment of 64-bit members");
SIZE(PHYSICAL_ADDRESS, 8, 8);

SIZE(UNICODE_STRING, 16, 8);
SIZE(DRIVER_OBJECT, 336, 168);
PLACE(DRIVER_OBJECT, DriverUnload, 104, 52);
PLACE(DRIVER_OBJECT, MajorFunction, 112, 56);

SIZE(MDL, 48, 28);
PLACE(MDL, MappedSystemVa, 24, 12);
PLACE(MDL, StartVa, 32, 16);
PLACE(MDL, ByteCount, 40, 20);
PLACE(MDL, ByteOffset, 44, 24);

SIZE(SCATTER_GATHER_ELEMENT, 24, 16);
PLACE(SCATTER_GATHER_ELEMENT, Length, 8, 8);
PLACE(SCATTER_GATHER_LIST, Elements, 16, 8);

/* Packed to 4 bytes: the 64-bit addresses in it are not aligned. */
SIZE(CM_PARTIAL_RESOURCE_DESCRIPTOR, 20, 16);
PLACE(CM_PARTIAL_RESOURCE_DESCRIPTOR, Flags, 2, 2);
PLACE(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.Memory.Start, 4, 4);
PLACE(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.Memory.Length, 12, 12);
PLACE(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.MessageInterrupt.Raw.MessageCount, 6, 6);
PLACE(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.MessageInterrupt.Raw.Vector, 8, 8);

SIZE(BUS_INTERFACE_STANDARD, 64, 32);
PLACE(BUS_INTERFACE_STANDARD, InterfaceDereference, 24, 12);
PLACE(BUS_INTERFACE_STANDARD, SetBusData, 48, 24);
PLACE(BUS_INTERFACE_STANDARD, GetBusData, 56, 28);

SIZE(IO_ERROR_LOG_PACKET, 48, 48);
PLACE(IO_ERROR_LOG_PACKET, DumpDataSize, 2, 2);
PLACE(IO_ERROR_LOG_PACKET, ErrorCode, 12, 12);
PLACE(IO_ERROR_LOG_PACKET, FinalStatus, 20, 20);
PLACE(IO_ERROR_LOG_PACKET, DumpData, 40, 40);

/* Applications: 32-bit ones on 64-bit Windows send the same. */
SIZE(CRYPTO_INFO, 32, 32);
SIZE(CRYPTO_STATISTICS, 80, 80);
SIZE(CRYPTO_KEY_VALUE, 32, 32);
SIZE(CRYPTO_CIPHER, 16, 16);
SIZE(CRYPTO_MESSAGE_PART, 4, 4);
SIZE(CRYPTO_DIGEST_VALUE, 32, 32);
PLACE(CRYPTO_STATISTICS, OthersInterrupts, 72, 72);
