/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What enablers, common buffers and transactions share. An enabler stands on one DMA adapter of the kernel's, or,
 * duplex, on one for each direction.
 */
#ifndef UNDERSTUDY_NT_KMDF_DMA_H
#define UNDERSTUDY_NT_KMDF_DMA_H

#include "nt/kmdf/kmdf.h"

struct us_wdf_adapter {
	PDMA_ADAPTER adapter;
	ULONG map_registers;
	size_t fragment_length; /* bytes that those can map at once, or the enabler's maximum */
	struct us_wdf_transaction *busy; /* packet profiles: the one that executes */
};

struct us_wdf_dma_enabler {
	struct us_wdf_object object;
	struct us_wdf_device *device;
	WDF_DMA_ENABLER_CONFIG config;
	bool scatter_gather, wide, duplex;
	bool enabled; /* EvtDmaEnablerEnable succeeded, and Disable was not called since */
	bool has_transactions;
	size_t max_elements; /* WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS: no limit */
	struct us_wdf_adapter adapters[2]; /* by WDF_DMA_DIRECTION; not duplex: the first */
};

#define US_WDF_UNLIMITED ((size_t)-1)

struct us_wdf_adapter *us_wdf_dma_adapter(struct us_wdf_dma_enabler *enabler, WDF_DMA_DIRECTION direction);

void us_wdf_common_buffer_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_transaction_functions(struct _WDF_FUNCTIONS *table);

#endif
