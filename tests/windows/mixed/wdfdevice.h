/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _WDFDEVICE_H_
#define _WDFDEVICE_H_

typedef
_Must_inspect_result_
_Some_annotation_of_tomorrow_(0)
NTSTATUS
(*PFN_WDFDEVICECONFIGURE)(
	_In_ PVOID DriverGlobals,
	enum _WDF_REQUEST_TYPE RequestType
	);

#endif
