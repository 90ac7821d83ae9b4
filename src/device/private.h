/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/device share and nobody else sees: the instance, and the few functions by which its parts
 * (registers, config space, interrupts, DMA, time, trace) tell each other that something changed.
 */
#ifndef UNDERSTUDY_DEVICE_PRIVATE_H
#define UNDERSTUDY_DEVICE_PRIVATE_H

#include "device/host.h"

#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdatomic.h>

/* -- registers: access.c, register.c ------------------------------------------------------------------------------ */

/*
 * A register's value and its policies, as masks, so that an access is a few logical operations whatever fields the
 * register has. `def` is the map's description.
 */
struct us_register {
	const struct us_reg *def;
	uint64_t value;
	uint64_t readable, writable; /* by software */
	uint64_t rclr, rset; /* what a read does */
	uint64_t onwrite[US_ONWRITE_WUSER + 1]; /* the writable bits of each policy; [US_ONWRITE_NONE] stores */
	uint64_t once, locked; /* write-once bits, and those of them already written since reset */
	uint64_t pulse; /* bits that last for the model's write function only */
	uint64_t fields; /* bits that exist */
	uint64_t reset;
	uint64_t causes; /* interrupt causes among them */
	uint64_t unsent; /* causes that were raised and for which no message went out yet */
	bool stores_only; /* every write is a plain store */
	bool interrupts; /* holds causes or enables */
};

/* An interrupt cause field and the field that enables it. */
struct us_cause {
	struct us_register *status, *enable; /* enable NULL: always enabled */
	uint64_t mask; /* in status */
	uint8_t lsb, enable_lsb;
	uint8_t message;
};

/* What lies where in a BAR. */
enum us_span_kind { US_SPAN_REGISTER, US_SPAN_MEM, US_SPAN_MSIX_TABLE, US_SPAN_MSIX_PBA };
struct us_span {
	uint64_t start, end; /* offsets in the BAR */
	enum us_span_kind kind;
	uint32_t index; /* of the register or mem */
};

struct us_space {
	struct us_span *spans; /* by ascending start, disjoint */
	size_t count;
	uint64_t limit; /* end of the last span */
	uint32_t *bucket; /* bucket[k]: first span that ends beyond k << shift */
	unsigned shift;
};

struct us_memory {
	void *base; /* the mem's first byte */
	void *mapping; /* of whole pages, or NULL: base is from malloc */
	size_t mapped;
	int fd; /* the memfd, which the other side gets too */
};

/* Lays out every BAR's spans. The map has been checked. */
int us_space_create(struct us_device *dev);
void us_space_destroy(struct us_device *dev);

/* The first span of a space that ends beyond `offset`; it may start later. NULL past the last. */
const struct us_span *us_space_find(const struct us_space *space, uint64_t offset);

int us_registers_create(struct us_device *dev);
void us_registers_reset(struct us_device *dev);

/* Gives a register a new value; causes that appear count as raised. */
void us_register_change(struct us_device *dev, struct us_register *r, uint64_t value);

/* -- plain memory: mem.c ------------------------------------------------------------------------------------------ */

int us_memories_create(struct us_device *dev);
void us_memories_clear(struct us_device *dev);
void us_memories_destroy(struct us_device *dev);

/* -- config space: config.c and a file for each capability -------------------------------------------------------- */

struct us_config {
	uint32_t size; /* 256 or 4096; nothing lies beyond 256 */
	uint8_t value[PCI_CFG_SPACE_SIZE];
	uint8_t write[PCI_CFG_SPACE_SIZE]; /* bits that software may write */
	uint8_t clear[PCI_CFG_SPACE_SIZE]; /* bits that a written 1 clears */
	uint8_t keep[PCI_CFG_SPACE_SIZE]; /* bits that survive FLR and D3hot */
	uint8_t reset[PCI_CFG_SPACE_SIZE];
	uint8_t end, last; /* where the next capability goes, and the link that will point to it */
	uint8_t pm, msi, express, msix; /* capabilities' offsets; 0: not there */
};

int us_config_create(struct us_device *dev);
void us_config_reset(struct us_device *dev, enum us_reset kind);

/* Takes `length` bytes for a capability and links it. */
uint8_t us_config_add(struct us_config *config, uint8_t id, uint8_t length);

static inline uint16_t us_config_get16(const uint8_t *bytes, unsigned offset)
{
	return (uint16_t)(bytes[offset] | bytes[offset + 1] << 8);
}

static inline uint32_t us_config_get32(const uint8_t *bytes, unsigned offset)
{
	return us_config_get16(bytes, offset) | (uint32_t)us_config_get16(bytes, offset + 2) << 16;
}

static inline void us_config_put16(uint8_t *bytes, unsigned offset, uint16_t value)
{
	bytes[offset] = (uint8_t)value;
	bytes[offset + 1] = (uint8_t)(value >> 8);
}

static inline void us_config_put32(uint8_t *bytes, unsigned offset, uint32_t value)
{
	us_config_put16(bytes, offset, (uint16_t)value);
	us_config_put16(bytes, offset + 2, (uint16_t)(value >> 16));
}

void us_pm_create(struct us_device *dev);
void us_pm_written(struct us_device *dev, unsigned before); /* `before`: the power state until then */
unsigned us_pm_state(const struct us_device *dev); /* 0: D0, 3: D3hot */

void us_express_create(struct us_device *dev);
/* Does this write start a function level reset? */
bool us_express_starts_flr(const struct us_device *dev, uint32_t offset, unsigned width, uint32_t value);

void us_msi_create(struct us_device *dev);
void us_msi_written(struct us_device *dev);
void us_msi_read(struct us_device *dev); /* brings the pending bits up to date */
bool us_msi_enabled(const struct us_device *dev);
unsigned us_msi_granted(const struct us_device *dev);
bool us_msi_masked(const struct us_device *dev, unsigned n);
void us_msi_message(const struct us_device *dev, unsigned n, uint64_t *address, uint32_t *data);
void us_msi_enable(struct us_device *dev, unsigned n); /* as if software had; 0 disables */

int us_msix_create(struct us_device *dev);
void us_msix_reset(struct us_device *dev);
bool us_msix_enabled(const struct us_device *dev);
bool us_msix_masked(const struct us_device *dev, unsigned n);
void us_msix_message(const struct us_device *dev, unsigned n, uint64_t *address, uint32_t *data);
void us_msix_enable(struct us_device *dev, bool on);
uint64_t us_msix_table_read(const struct us_device *dev, uint64_t offset, unsigned width);
void us_msix_table_write(struct us_device *dev, uint64_t offset, unsigned width, uint64_t value);
uint64_t us_msix_pba_read(const struct us_device *dev, uint64_t offset, unsigned width);

/* -- interrupts: interrupt.c -------------------------------------------------------------------------------------- */

#define US_MSIX_MAX 2048

struct us_msix_entry {
	uint32_t word[4]; /* address, upper address, data, vector control: as the table has them */
};

int us_interrupts_create(struct us_device *dev);

/* Something that interrupts depend on has changed: moves the INTx line and sends the messages that may go. */
void us_interrupts_update(struct us_device *dev);

/* Is a message of the enabled kind waiting to be sent? */
bool us_interrupt_pending(const struct us_device *dev, unsigned n);

/* -- time: time.c ------------------------------------------------------------------------------------------------- */

/* Ends the job and all timers. */
void us_time_stop(struct us_device *dev);

/* -- trace: trace.c ----------------------------------------------------------------------------------------------- */

/* Each writes one line; call them only while dev->trace is on. */
void us_trace(struct us_device *dev, const char *format, ...) __attribute__((format(printf, 2, 3)));
void us_trace_register(struct us_device *dev, const char *verb, const struct us_reg *reg, uint64_t value,
		       uint64_t lanes);
void us_trace_config(struct us_device *dev, const char *verb, uint32_t offset, unsigned width, uint32_t value);

/* -- the map: check.c --------------------------------------------------------------------------------------------- */

/* Can this map be played? -EINVAL and a sentence if not. */
int us_map_check(const struct us_map *map, struct us_error *err);

/* -- the instance: device.c --------------------------------------------------------------------------------------- */

struct us_device {
	const struct us_model *model;
	const struct us_map *map;
	struct us_host host;
	void *state;
	struct us_error *refusal; /* while the model's create runs: where its last us_log() goes */

	struct us_space space[US_BARS];
	struct us_register *registers; /* as in map->regs */
	struct us_memory *memories; /* as in map->mems */
	struct us_config config;
	unsigned resetting; /* the model's reset function is running */

	struct us_cause *causes;
	size_t ncauses;
	bool line; /* INTx is asserted */
	struct us_msix_entry *table;
	unsigned routed[US_IRQ_KINDS]; /* messages that the host routes */
	uint64_t route_masked[US_IRQ_KINDS][US_MSIX_MAX / 64];

	struct us_timer *timers; /* by ascending due time */
	struct us_job *job; /* the one that runs */
	uint64_t job_serial; /* how many were started */
	uint64_t job_due; /* in-line: when its next step, or its end, comes */
	uint64_t alarm; /* last asked of the host */
	bool ticking;
	uint64_t tick; /* while ticking: the time that counts as now */

	/* What a job's step reads on its worker while the device's thread changes it. */
	atomic_bool trace, mastering, cancelled;
	atomic_ushort bus_errors; /* PCI_STATUS bits that DMA has set */
};

/* A mistake of the model: says so and ends the process. */
_Noreturn void us_model_mistake(const struct us_device *dev, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Everything of the old life ends; then the model's reset function. */
void us_reset(struct us_device *dev, enum us_reset kind);

static inline bool us_command(const struct us_device *dev, uint16_t bit)
{
	return us_config_get16(dev->config.value, PCI_COMMAND) & bit;
}

#endif
