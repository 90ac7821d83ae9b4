/* SPDX-License-Identifier: Apache-2.0 */
/* ExUuidCreate: random UUIDs (RFC 9562, version 4), by the run's seed. */
#include "nt/ex.h"

NTSTATUS NTAPI ExUuidCreate(UUID *uuid)
{
	uint16_t part[8];

	for (unsigned i = 0; i < 8; i++)
		part[i] = (uint16_t)us_nt_random(0x10000);
	part[3] = (part[3] & 0x0FFF) | 0x4000; /* the version, in Data3 */
	memcpy(uuid, part, sizeof(*uuid));
	uuid->Data4[0] = (UCHAR)((uuid->Data4[0] & 0x3F) | 0x80); /* the variant */
	return STATUS_SUCCESS;
}
