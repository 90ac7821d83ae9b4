/* SPDX-License-Identifier: Apache-2.0 */
/* A few lines with everything that keeps GCC on Linux from taking Microsoft's KMDF headers as they are. */
#ifndef _WDF_H_
#define _WDF_H_

_Analysis_mode_(SOMETHING)

#include "WdfObject.h"
#include "wdfDevice.h"
#include "WdfRequest.h"

#endif
