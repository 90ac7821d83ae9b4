/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of a model: what whoever plays it (the in-process player, the vfio-user server) calls, and what it
 * gives. The model itself never sees this header.
 *
 * Threads: every function here is for the device's thread, which is the host's choice; the us_host functions marked
 * "any" are also called from a job's step.
 */
#ifndef UNDERSTUDY_DEVICE_HOST_H
#define UNDERSTUDY_DEVICE_HOST_H

#include <understudy/device.h>
#include <understudy/error.h>

/* Interrupt kinds, numbered as VFIO does (VFIO_PCI_INTX_IRQ_INDEX …). */
enum us_irq { US_IRQ_INTX, US_IRQ_MSI, US_IRQ_MSIX, US_IRQ_KINDS };

/*
 * What the host gives. All functions are required unless said otherwise. `ctx` is the host's own. They may be called
 * as soon as us_device_create() is, by the model's create and reset functions.
 */
struct us_host {
	void *ctx;

	/*
	 * Moves or maps guest memory; the errors of us_dma_read(), without bus-master and job checks, which the library
	 * makes. `map` returns NULL where it can not. Any thread.
	 */
	int (*dma)(void *ctx, uint64_t addr, void *buffer, size_t length, enum us_dma_direction direction,
		   uint64_t *fault);
	void *(*dma_map)(void *ctx, uint64_t addr, size_t *length, enum us_dma_direction direction);

	/* The INTx line changed. Called on each change of level only. */
	void (*intx)(void *ctx, bool asserted);

	/*
	 * A message is sent: by MSI or MSI-X, message or vector `n`, which in software's eyes is a write of data to
	 * address.
	 */
	void (*message)(void *ctx, enum us_irq kind, unsigned n, uint64_t address, uint32_t data);

	uint64_t (*now)(void *ctx); /* ns, monotonic. Any thread */

	/*
	 * Call us_device_tick() at `when` (in now's time) or soon after; UINT64_MAX: no need. Replaces the last
	 * request.
	 */
	void (*alarm)(void *ctx, uint64_t when);

	/*
	 * Runs job steps elsewhere. NULL: the library runs each step in-line from us_device_tick(), when it is due
	 * (virtual time). Else `job_start` makes the host call us_job_step() on a worker until it says it was the last,
	 * and then us_job_finish() on the device's thread at the time that the steps' durations add up to; `job_stop`
	 * returns when no step runs and none will.
	 */
	void (*job_start)(void *ctx, struct us_job *job, uint64_t delay);
	void (*job_stop)(void *ctx, struct us_job *job);

	/* One line of the device's log, or NULL while nobody listens. Any thread. */
	void (*trace)(void *ctx, const char *line);

	/*
	 * Messages go only where us_device_route() says, as with VFIO: one that comes while its kind is enabled in
	 * config space but not routed is held until it is. False: it is sent, with the address and data that software
	 * programmed.
	 */
	bool routed;
};

/*
 * A new instance, in its state after power-on. `host` is copied; `model` and its map outlive the instance. -EINVAL with
 * a sentence for a model that can not be; -ENOMEM or what the model's create returned.
 */
int us_device_create(const struct us_model *model, const struct us_host *host, struct us_device **dev,
		     struct us_error *err);
void us_device_destroy(struct us_device *dev);

const struct us_map *us_device_map(const struct us_device *dev);

/* Turns the device's log on or off; with it off the trace function is never called. */
void us_device_trace(struct us_device *dev, bool on);

/* -- software's accesses ------------------------------------------------------------------------------------------ */

/*
 * Config space, 256 bytes or 4096 with PCI Express. `width` is 1, 2 or 4 (wider is for the host to split), naturally
 * aligned. Reading past the end gives all ones, writing there does nothing. -EINVAL for other widths or alignment.
 */
int us_device_config_read(struct us_device *dev, uint32_t offset, unsigned width, uint32_t *value);
int us_device_config_write(struct us_device *dev, uint32_t offset, unsigned width, uint32_t value);

/*
 * A BAR by number and offset, whatever address it was given; width 1, 2, 4 or 8, naturally aligned. While the command
 * register does not enable the space, and in D3hot, reads give all ones and writes are lost, as on the bus: that is no
 * error. -EINVAL: no such BAR, beyond its end, width or alignment.
 */
int us_device_read(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width, uint64_t *value);
int us_device_write(struct us_device *dev, unsigned bar, uint64_t offset, unsigned width, uint64_t value);

/*
 * Part of a BAR that the other side may map: whole pages of plain memory. Fills `area` and returns 0; -ENOENT past the
 * last. The file descriptor stays the device's.
 */
struct us_area {
	uint64_t offset, size; /* in the BAR; multiples of 4096 */
	int fd;
	uint64_t fd_offset;
	bool read, write;
};
int us_device_area(struct us_device *dev, unsigned bar, unsigned index, struct us_area *area);

/*
 * Conventional reset or FLR, from outside. Returns with everything of the old life ended. Either disables interrupts in
 * config space; a conventional reset also ends all routing, while after an FLR (which software can cause behind the
 * host's back, as a guest does) messages go where they were routed as soon as software enables them again.
 */
void us_device_reset(struct us_device *dev, enum us_reset kind);

/* -- interrupts --------------------------------------------------------------------------------------------------- */

/* How many the function has: INTx 0 or 1, MSI messages, MSI-X table entries. */
unsigned us_device_irq_count(const struct us_device *dev, enum us_irq kind);

/*
 * VFIO's way of programming messages: the host routes messages 0 to n-1 of `kind` by itself, whatever addresses and
 * (for MSI-X) masks the function's own capability holds; the enable bit and the number granted in config space follow,
 * as the kernel's VFIO has it. With MSI-X a cause whose vector is not among them waits until it is. n = 0 takes that
 * back and disables the kind. -EINVAL: more than us_device_irq_count().
 */
int us_device_route(struct us_device *dev, enum us_irq kind, unsigned n);

/*
 * Masks or unmasks one message of a routed kind. A message that comes while masked is held and sent on unmask. -EINVAL:
 * no such message, or INTx, whose masking is the host's own affair.
 */
int us_device_mask(struct us_device *dev, enum us_irq kind, unsigned n, bool masked);

/* The level of the INTx line: what a host that unmasks it has to signal again. */
bool us_device_intx(const struct us_device *dev);

/* May the function master the bus just now? A host checks it for requests of its own. */
bool us_device_bus_master(const struct us_device *dev);

/* -- time --------------------------------------------------------------------------------------------------------- */

/* Runs what is due: timers and, with no job_start, job steps. */
void us_device_tick(struct us_device *dev);

/* For a host with job_start; see there. us_job_step() is for the worker, returns false after the last step. */
bool us_job_step(struct us_device *dev, struct us_job *job, uint64_t *duration);
void us_job_finish(struct us_device *dev, struct us_job *job);

/* -- where models come from --------------------------------------------------------------------------------------- */

/* A model by name (one built in) or by path (with a slash: a shared object that defines us_model). Never unloaded. */
int us_model_find(const char *name_or_path, const struct us_model **model, struct us_error *err);

#endif
