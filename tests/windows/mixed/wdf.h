/* SPDX-License-Identifier: Apache-2.0 */
/* A few lines with everything that keeps GCC on Linux from taking Microsoft's KMDF headers as they are. */
#ifndef _WDF_H_
#define _WDF_H_

#ifndef _Dispatch_type_
#include <DriverSpecs.h>
#endif

#define WdfFunctions WdfFunctions_01015

typedef VOID (*WDFFUNC)(VOID);
extern const WDFFUNC *WdfFunctions;

_Analysis_mode_(SOMETHING)

#include "wdfTypes.h"
#include "WdfObject.h"
#include "wdfDevice.h"
#include "WdfRequest.h"

#endif
