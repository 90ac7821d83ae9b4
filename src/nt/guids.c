/* SPDX-License-Identifier: Apache-2.0 */
/* The GUIDs that the headers of Windows declare, defined. */
#define INITGUID 1
#include "nt/ntdefs.h"
