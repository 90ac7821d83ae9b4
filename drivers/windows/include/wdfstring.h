/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings that are deleted with their parent.
 */
#ifndef _WDFSTRING_H_
#define _WDFSTRING_H_

/* [PASSIVE] A copy; NULL: an empty string to be filled. */
WDF_INLINE NTSTATUS WdfStringCreate(PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES StringAttributes,
				    WDFSTRING *String);

/* [PASSIVE] The string, good as long as the object. */
WDF_INLINE void WdfStringGetUnicodeString(WDFSTRING String, PUNICODE_STRING UnicodeString);

#endif
