/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kernel-Mode Driver Framework 1.15, as a driver includes it.
 *
 * These headers are ours, written from the framework's published interface and its binary facts (../kmdf-1.15), for
 * building with mingw-w64, whose <ntddk.h> must come first. A driver that compiles here compiles with Microsoft's own
 * headers too, and the other way round; names and grouping are Microsoft's, so their documentation applies word for
 * word. What is here: the structures, enumerations and callbacks of version 1.15 without USB, and the functions that
 * drivers use. A function that is missing can be declared in its header with one line; tests/windows proves each
 * structure, enumerator and function against the tables.
 *
 * Calling convention: on x86 everything is __stdcall, which these headers say with NTAPI, save two functions that take
 * arguments in registers (../kmdf.py). GCC, unlike Microsoft's compiler in a driver project, does not make __stdcall the
 * default, so a driver says NTAPI where it defines a callback.
 *
 * The remark in square brackets before a function is the highest IRQL at which it may be called.
 */
#ifndef _WDF_H_
#define _WDF_H_

#ifdef __cplusplus
extern "C" {
#endif

/* A driver is bound to one version by the name of the variable through which it calls. */
#define WdfFunctions WdfFunctions_01015

#include "wdftypes.h"
#include "wdfglobals.h"
#include "wdfstatus.h"

#include "wdfobject.h"
#include "wdfsync.h"
#include "wdfcore.h"
#include "wdfdriver.h"

#include "wdfqueryinterface.h"
#include "wdfmemory.h"
#include "wdfchildlist.h"
#include "wdffileobject.h"
#include "wdfdevice.h"
#include "wdfcollection.h"
#include "wdfdpc.h"
#include "wdftimer.h"
#include "wdfworkitem.h"
#include "wdfinterrupt.h"
#include "wdfresource.h"

#include "wdfrequest.h"
#include "wdfiotarget.h"
#include "wdfio.h"

#include "wdffdo.h"
#include "wdfpdo.h"
#include "wdfcontrol.h"
#include "wdfwmi.h"
#include "wdfstring.h"
#include "wdfregistry.h"

#include "wdfdmaenabler.h"
#include "wdfdmatransaction.h"
#include "wdfcommonbuffer.h"

#include "wdfbugcodes.h"
#include "wdfverifier.h"

/* The table of the framework's functions, and the inline functions that call through it. */
#include "wdffuncs.h"

#ifdef __cplusplus
}
#endif

#endif
