/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _WDFTYPES_H_
#define _WDFTYPES_H_

#if (OSVER(NTDDI_VERSION) >= NTDDI_WIN2K)

/* An annotation that has no arguments below, and _Has_words_ (with words) in a remark. */
#define WDFAPI

#if !defined(FORCEINLINE)
#define FORCEINLINE __inline
#endif

#pragma warning(push)
#pragma warning(disable: 1)
typedef struct _WDF_ALIGNED {
	_In_ ULONG Size;
	#pragma warning(disable: 2) // here too
	DECLSPEC_ALIGN(8) USHORT Group;
} WDF_ALIGNED;
#pragma warning(pop)

#define CHECKED(Condition) __pragma(warning(suppress: 1)) (void)sizeof(CHAR[(Condition) ? 1 : -1])

#endif

#endif
