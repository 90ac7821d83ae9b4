/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA as Windows' hardware abstraction layer does it: adapters and their common buffers (hal-dma.c), lists and
 * transfers on map registers (hal-map.c). The performance counter and stalls are in hal-time.c.
 *
 * There is no translation between device and memory: a device address is a physical one. What a device can not address,
 * or not take in pieces, goes through map registers: pages below 4 GiB that are copied to and from. There are
 * US_MAP_REGISTERS, and who finds none free waits for them.
 *
 * A driver's adapter has operations behind gates; the framework's, which is the stage's, has them directly.
 */
#ifndef UNDERSTUDY_NT_HAL_H
#define UNDERSTUDY_NT_HAL_H

#include "nt/addresses.h"
#include "nt/gate.h"
#include "nt/ntdefs.h"
#include "nt/stage.h"

#define US_MAP_REGISTERS 256u

struct us_adapter {
	DMA_ADAPTER windows; /* what the driver has */
	struct us_adapter *next;
	bool of_driver;
	bool scatter_gather;
	uint64_t highest; /* address that the device can use */
	ULONG registers; /* that a transfer may have at most */
	bool channel; /* is allocated */
	struct us_map_registers *kept; /* that go with the channel (KeepObject) */
	size_t nbuffers, nlists, nregisters; /* that are not given back */
};

/* Map registers of a transfer: what a driver has as MapRegisterBase. It lies in the pool. */
struct us_map_registers {
	uint32_t magic;
	ULONG count;
	uint32_t first; /* of the bounce pages; count of them, unless it needs none */
	bool bounces;
	ULONG used;
	struct us_adapter *adapter;
	struct us_map_piece *pieces; /* what is mapped and was not flushed */
};

/* Something that was copied, or is to be. */
struct us_map_piece {
	struct us_map_piece *next;
	uint8_t *bounce, *memory;
	size_t size;
};

/* Somebody who waits for map registers, or for a channel. */
struct us_map_waiter {
	struct us_map_waiter *next;
	struct us_adapter *adapter;
	PDEVICE_OBJECT device;
	ULONG count;
	/* of a list: */
	PDRIVER_LIST_CONTROL list_routine;
	PMDL mdl;
	PVOID address;
	ULONG length;
	BOOLEAN to_device;
	PSCATTER_GATHER_LIST list; /* the caller's buffer, or NULL */
	/* of a channel: */
	PDRIVER_CONTROL channel_routine;
	PVOID context;
};

struct us_hal {
	struct us_adapter *adapters;
	struct us_addresses buffers; /* struct us_common_buffer */
	struct us_addresses lists; /* struct us_dma_list, by the list's address */
	uint8_t *bounce; /* US_MAP_REGISTERS pages, or NULL: nobody has needed one */
	uint64_t bounce_physical;
	uint8_t used[US_MAP_REGISTERS];
	struct us_map_waiter *first, **last;
	bool serving;
	bool copy_all; /* even what the device could address: us_nt_copy_all() */
};

struct us_adapter *us_adapter_from(PDMA_ADAPTER adapter, const char *function);

/* hal-map.c: what goes into the table of operations, without a gate. */
NTSTATUS NTAPI us_hal_allocate_channel(PDMA_ADAPTER, PDEVICE_OBJECT, ULONG, PDRIVER_CONTROL, PVOID);
void NTAPI us_hal_free_channel(PDMA_ADAPTER);
void NTAPI us_hal_free_registers(PDMA_ADAPTER, PVOID, ULONG);
PHYSICAL_ADDRESS NTAPI us_hal_map_transfer(PDMA_ADAPTER, PMDL, PVOID, PVOID, PULONG, BOOLEAN);
BOOLEAN NTAPI us_hal_flush(PDMA_ADAPTER, PMDL, PVOID, PVOID, ULONG, BOOLEAN);
NTSTATUS NTAPI us_hal_calculate_list(PDMA_ADAPTER, PMDL, PVOID, ULONG, PULONG, PULONG);
NTSTATUS NTAPI us_hal_get_list(PDMA_ADAPTER, PDEVICE_OBJECT, PMDL, PVOID, ULONG, PDRIVER_LIST_CONTROL, PVOID, BOOLEAN);
NTSTATUS NTAPI us_hal_build_list(PDMA_ADAPTER, PDEVICE_OBJECT, PMDL, PVOID, ULONG, PDRIVER_LIST_CONTROL, PVOID, BOOLEAN,
				 PVOID, ULONG);
void NTAPI us_hal_put_list(PDMA_ADAPTER, PSCATTER_GATHER_LIST, BOOLEAN);

/* The two functions of hal-time.c, for the table of exports. */
extern const struct us_export us_nt_hal_exports[];

#endif
