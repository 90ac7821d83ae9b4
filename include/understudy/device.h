/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write a model: the C code that plays a PCI function.
 *
 * A model is a few functions on top of a register map (map.h). The library enforces access policies, widths and reset
 * values, plays config space with its capabilities, routes interrupts, carries DMA and tells the time; the model says
 * what a written register *does*. It never learns who drives it: a guest in QEMU, a test, or a driver on the stage.
 *
 *     static void written(struct us_device *dev, const struct us_write *w)
 *     {
 *             if (w->reg == ADDER_A || w->reg == ADDER_B) {
 *                     us_set(dev, ADDER_SUM, us_get(dev, ADDER_A) + us_get(dev, ADDER_B));
 *                     us_raise(dev, ADDER_STATUS, ADDER_STATUS_DONE_MASK);
 *             }
 *     }
 *     US_MODEL(.map = &adder_map, .write = written);
 *
 * Threads: every model function runs on the device's own thread, one at a time, except the `step` of a job. All
 * functions below are for the device's thread unless they say otherwise. A model has no globals: many instances live
 * in one process, each with its own us_state().
 */
#ifndef UNDERSTUDY_DEVICE_H
#define UNDERSTUDY_DEVICE_H

#include <understudy/map.h>

#ifdef __cplusplus
extern "C" {
#endif

struct us_device; /* one function being played; opaque */

/* Why the function is being reset. */
enum us_reset {
	US_RESET_CONVENTIONAL, /* power-on, PERST#, hot or warm reset; a vfio-user client connecting */
	US_RESET_FLR, /* function level reset (PCIe 6.6.2) */
	US_RESET_D3HOT, /* D3hot to D0 with No_Soft_Reset clear (PCI PM 1.2, 3.2.4) */
	US_RESET_DEVICE, /* the device's own reset command: the model called us_reset_registers() */
};

/* A write by software, as the model sees it after the library applied the access policies. */
struct us_write {
	us_addr reg; /* the register's address in the map, whatever byte of it was written */
	uint64_t value; /* the bits as software wrote them, in place; 0 in lanes not written */
	uint64_t lanes; /* all ones in each byte that was written */
};

#define US_MODEL_ABI 2

struct us_model {
	unsigned abi; /* US_MODEL_ABI; US_MODEL() fills it in */
	const struct us_map *map;
	size_t state_size; /* bytes of us_state(), zeroed before create */

	/* A new instance. 0, or a negative errno (say why with us_log). May be NULL. */
	int (*create)(struct us_device *dev);

	/* The instance ends. Jobs and timers are already stopped. May be NULL. */
	void (*destroy)(struct us_device *dev);

	/*
	 * Called after each reset, also once before first use. Jobs and timers are already stopped and the registers
	 * hold their reset values. May be NULL.
	 */
	void (*reset)(struct us_device *dev, enum us_reset kind);

	/*
	 * Software is about to read register `reg`: bring it up to date with us_set(). Side effects of the read
	 * (onread) follow. May be NULL.
	 */
	void (*read)(struct us_device *dev, us_addr reg);

	/* Software has written a register that it may write. us_get() gives the new value. May be NULL. */
	void (*write)(struct us_device *dev, const struct us_write *w);
};

/*
 * Defines the model that a shared object exports: `understudy serve ./x.so` looks for this symbol. A file that is
 * compiled into a program with other models defines US_MODEL_NAME first (a symbol of its own).
 */
#ifndef US_MODEL_NAME
#define US_MODEL_NAME us_model
#endif
#define US_MODEL(...)                                                                                                  \
	extern const struct us_model US_MODEL_NAME;                                                                    \
	__attribute__((visibility("default"))) const struct us_model US_MODEL_NAME = {.abi = US_MODEL_ABI, __VA_ARGS__}

/* The model's own state, state_size bytes, aligned for any type. Any thread. */
void *us_state(struct us_device *dev);

/* -- registers -------------------------------------------------------------------------------------------------- */

/*
 * The stored value of a register, with no side effects and whatever software may read of it. `reg` is its address in
 * the map; an address where no register starts is a mistake of the model and ends the process with a message.
 */
uint64_t us_get(struct us_device *dev, us_addr reg);

/*
 * Sets a register as hardware does: no access policy applies; bits that belong to no field stay 0. Setting enable bits
 * re-evaluates interrupts, and a cause bit that was clear counts as raised.
 */
void us_set(struct us_device *dev, us_addr reg, uint64_t value);

/* Sets the field(s) under `mask` of a register to `value`, which is shifted to the mask's lowest bit. */
void us_set_field(struct us_device *dev, us_addr reg, uint64_t mask, uint64_t value);

/* The field under `mask`, shifted down. */
uint64_t us_get_field(struct us_device *dev, us_addr reg, uint64_t mask);

/*
 * The bytes of a mem of the map, to read and write in place; all zero after every reset but US_RESET_DEVICE. NULL with
 * no mem at that address. *size, unless NULL, is how many. Any thread.
 */
void *us_mem(struct us_device *dev, us_addr mem, size_t *size);

/*
 * All registers to their reset values, jobs and timers stopped, causes lowered: for a device's own reset command.
 * Config space is left alone. The model's reset function is called with US_RESET_DEVICE.
 */
void us_reset_registers(struct us_device *dev);

/* -- interrupts ------------------------------------------------------------------------------------------------- */

/*
 * Sets cause bits (fields with `intr`) of a register. For each enabled cause: with INTx the line is asserted while any
 * enabled cause is set; with MSI or MSI-X its message is sent, once for each call. It has its field's number, or 0 where
 * the system granted fewer MSI messages; in MSI-X, which has an entry for each, one that the system does not use waits.
 *
 * A cause raised while disabled sends its message when software enables it. A cause that is already set and is raised
 * again sends its message again, so that a driver with a message for each cause need not read or clear the status. A
 * message that can not go out just now (masked, bus mastering off) goes when it can, unless the cause is cleared first
 * (PCIe 6.1.4.5); causes that wait for the same message then send it once.
 */
void us_raise(struct us_device *dev, us_addr reg, uint64_t bits);

/* Clears cause bits, as the hardware behind a cause that is not sticky does. */
void us_lower(struct us_device *dev, us_addr reg, uint64_t bits);

/* -- DMA -------------------------------------------------------------------------------------------------------- */

enum us_dma_direction { US_DMA_READ = 1, US_DMA_WRITE = 2 }; /* as the device sees it: READ fetches from memory */

/*
 * Moves `length` bytes between `buffer` and device address `addr`. 0, or: -EFAULT (not mapped), -EACCES (mapped without
 * that permission), -EPERM (bus mastering is off), -ECANCELED (the job was cancelled), -EIO (the other side is gone).
 * On failure *fault, unless NULL, is the first device address that failed; bytes before it may have been moved.
 * From the device's thread or a job's step.
 */
int us_dma_read(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault);
int us_dma_write(struct us_device *dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault);

/*
 * Zero-copy: memory behind `addr`, at most *length bytes; *length becomes how many are contiguous (at least 1). NULL
 * where the memory can not be reached so: then use us_dma_read/us_dma_write, which also tell why. The pointer is good
 * until the model function or job step returns, even if bus mastering is turned off meanwhile. The other side may
 * change the bytes at any time: read each once.
 * From the device's thread or a job's step.
 */
void *us_dma_map(struct us_device *dev, uint64_t addr, size_t *length, enum us_dma_direction direction);

/* -- time and long work ----------------------------------------------------------------------------------------- */

/* Nanoseconds since some fixed point: real in a server, virtual in a test. Any thread. */
uint64_t us_now(struct us_device *dev);

/* A one-shot timer, embedded in the model's state. Zeroed, with `expired` set, it is ready for us_timer_start(). */
struct us_timer {
	void (*expired)(struct us_device *dev, struct us_timer *timer);
	uint64_t due; /* library's: when, in us_now() time */
	struct us_timer *next; /* library's */
	bool pending; /* library's */
};

/* (Re)starts: `expired` is called once, `delay` ns from now or a little later. */
void us_timer_start(struct us_device *dev, struct us_timer *timer, uint64_t delay);
void us_timer_stop(struct us_device *dev, struct us_timer *timer);

/*
 * Long work, cut into slices that each take well under a millisecond of processor time. In a server the steps run on
 * a worker thread while the device stays responsive; in virtual time each runs in-line when it is due. Embedded in the
 * model's state; zeroed, with both functions set, it is ready. A step may use its own memory, us_dma_*() and us_now(),
 * nothing else of the device: what it needs from registers is copied into the job before it starts.
 */
struct us_job {
	/*
	 * Does the next slice and returns how many nanoseconds the hardware would take for it. Sets job->finished when it
	 * was the last. The next step, or `done`, comes when that much time has passed (or the work took longer).
	 */
	uint64_t (*step)(struct us_device *dev, struct us_job *job);

	/* On the device's thread, when the last slice's time has passed. Never called for a job that was stopped. */
	void (*done)(struct us_device *dev, struct us_job *job);

	bool finished; /* set by step */
	bool running; /* library's; true from start until done is called or us_job_stop() */
	void *host; /* library's */
};

/* Starts a job after `delay` ns (the hardware's latency). Each device runs one job at a time: -EBUSY else. */
int us_job_start(struct us_device *dev, struct us_job *job, uint64_t delay);

/* Ends a job. When this returns no step is running, none will, and no byte moves by its DMA any more. Idempotent. */
void us_job_stop(struct us_device *dev, struct us_job *job);

/* -- trace ------------------------------------------------------------------------------------------------------ */

/* One line to the device log, without newline. Costs nothing while tracing is off. From any model function or step. */
void us_log(struct us_device *dev, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
