/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests of the model library: memory at a few device addresses, a clock that the test moves, and a record of
 * everything the device did.
 */
#ifndef TESTS_DEVICE_RIG_H
#define TESTS_DEVICE_RIG_H

#include "device/host.h"

#define RIG_MEMORY UINT64_C(0x10000) /* device address of rig.memory */
#define RIG_READ_ONLY UINT64_C(0x40000) /* of rig.read_only, which the device may not write */
#define RIG_RECORDS 64

struct rig_message {
	enum us_irq kind;
	unsigned n;
	uint64_t address;
	uint32_t data;
};

struct rig {
	struct us_device *dev;
	struct us_host host;
	uint64_t now, alarm;

	bool line; /* INTx */
	unsigned rises, falls;
	struct rig_message message[RIG_RECORDS];
	unsigned messages;

	uint8_t memory[0x4000], read_only[0x1000];
	unsigned dmas;

	char trace[RIG_RECORDS][512];
	unsigned lines;

	/* Called as it happens, or NULL. */
	void (*on_message)(struct rig *rig, const struct rig_message *message);
	void (*on_dma)(struct rig *rig);
};

/* Memory space, I/O space and bus mastering are enabled; nothing has been recorded yet. */
struct rig *rig_open(const struct us_model *model);
struct rig *rig_open_routed(const struct us_model *model); /* a host as a vfio-user server is */
void rig_close(struct rig *rig);
void rig_forget(struct rig *rig); /* what was recorded */

/* Lets time pass, calling us_device_tick() exactly when the device asked for it. */
void rig_advance(struct rig *rig, uint64_t ns);

uint64_t rig_read(struct rig *rig, us_addr reg, unsigned width);
void rig_write(struct rig *rig, us_addr reg, unsigned width, uint64_t value);
uint32_t rig_config(struct rig *rig, uint32_t offset, unsigned width);
void rig_config_write(struct rig *rig, uint32_t offset, unsigned width, uint32_t value);
uint32_t rig_capability(struct rig *rig, uint8_t id); /* its offset, or 0 */

#endif
