/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behind the seam: what a player of a function gives, and what all players share.
 *
 * function.c checks every argument before a player sees it: regions exist, offsets lie inside, widths are natural,
 * vectors are enabled. A player may rely on that.
 */
#ifndef UNDERSTUDY_FUNCTION_PLAYER_H
#define UNDERSTUDY_FUNCTION_PLAYER_H

#include <understudy/function.h>

#define US_PAGE 4096u
#define US_VECTORS 2048u /* most messages that a function can have: a full MSI-X table */

/* -- memory the device can reach -------------------------------------------------------------------------------- */

/* Memory that a descriptor stands for, behind one mapping or more. */
struct us_block {
	int fd;
	uint8_t *at;
	size_t size;
	unsigned refs; /* mappings */
	bool borrowed; /* memory and descriptor are the caller's */
};

struct us_mapping {
	uint64_t iova, size;
	uint8_t *at;
	int flags; /* enum us_fn_dma_flags */
	struct us_block *block; /* where `at` lies, or NULL: the caller's memory */
};

/* By ascending iova, none overlapping. */
struct us_mappings {
	struct us_mapping *list;
	size_t count, room;
};

/* The mapping that holds `iova`, or NULL. */
const struct us_mapping *us_mappings_find(const struct us_mappings *all, uint64_t iova);

/* Index of the first mapping that ends behind `iova`. */
size_t us_mappings_index(const struct us_mappings *all, uint64_t iova);

/*
 * The memory behind `iova` if the device may use it as `need` (enum us_fn_dma_flags); *length becomes how much of it is
 * contiguous, at most what it was. NULL: -EFAULT or -EACCES in *why.
 */
void *us_mappings_reach(const struct us_mappings *all, uint64_t iova, uint64_t *length, int need, int *why);

/* Moves bytes for the device: to memory (need WRITE) or from it (need READ). 0, -EFAULT, -EACCES; *fault as in
 * device.h. */
int us_mappings_move(const struct us_mappings *all, uint64_t iova, void *buffer, uint64_t length, int need,
		     uint64_t *fault);

/* Adds and takes away; blocks are counted along. -ENOMEM. */
int us_mappings_insert(struct us_mappings *all, const struct us_mapping *m);
void us_mappings_remove(struct us_mappings *all, size_t index);
void us_mappings_clear(struct us_mappings *all);

/* The block that holds all of the range, or NULL. */
struct us_block *us_mappings_block(const struct us_mappings *all, const void *at, size_t size);

/* A new block of zeroed shared memory, with no mapping yet. NULL with errno set. */
struct us_block *us_block_new(size_t size);
/* The same for the caller's memory, which `fd` stands for. NULL: out of memory. */
struct us_block *us_block_borrow(void *at, size_t size, int fd);
void us_block_free(struct us_block *block);

/* -- a function ------------------------------------------------------------------------------------------------- */

/* What a player gives. Each returns 0 or a negative errno with its sentence left by us_fn_fail(). All are required. */
struct us_player {
	int (*read)(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t *value);
	int (*write)(struct us_function *fn, unsigned region, uint64_t offset, unsigned width, uint64_t value);
	int (*map_region)(struct us_function *fn, unsigned region, uint64_t offset, size_t length, void **at);

	int (*irq_enable)(struct us_function *fn, enum us_irq_kind kind, unsigned count);
	int (*irq_disable)(struct us_function *fn, enum us_irq_kind kind);
	int (*irq_mask)(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked);

	/*
	 * Lets the other side go on until something happened (interrupts are counted with us_fn_came()) or until
	 * `deadline`, in now's time. 1: something may have happened, 0: the deadline is reached, or nothing will ever
	 * happen.
	 */
	int (*progress)(struct us_function *fn, uint64_t deadline);

	int (*dma_map)(struct us_function *fn, const struct us_mapping *m);
	int (*dma_unmap)(struct us_function *fn, const struct us_mapping *m);

	/* Resets; function.c has disabled interrupts before and puts the header in order behind it. */
	int (*reset)(struct us_function *fn);
	uint64_t (*now)(struct us_function *fn);
	int (*trace)(struct us_function *fn, FILE *stream);
	void (*close)(struct us_function *fn); /* frees fn too */
};

/* A part of a region that is mapped into this process. */
struct us_view {
	void *at;
	size_t length;
	int fd, prot; /* what it is a mapping of */
	uint64_t offset;
	struct us_view *next;
};

/* A player's own struct begins with this one. */
struct us_function {
	const struct us_player *player;
	char *target; /* as the user named it; begins every sentence */
	struct us_function_info info;
	struct us_error error;
	struct us_mappings dma;
	struct us_view *views;

	/* Sees every access that was carried out, or NULL: for what a run of tests exercised. */
	void (*observe)(void *ctx, bool write, unsigned region, uint64_t offset, unsigned width, uint64_t value);
	void *observe_ctx;

	int irq_kind; /* enum us_irq_kind that is enabled, or -1 */
	unsigned irq_count;
	unsigned irq_pending; /* vectors with came[] not zero */
	uint64_t *came; /* irq_count: how often each came and was not waited for yet */
};

/* Initializes what is common; -ENOMEM. */
int us_fn_init(struct us_function *fn, const struct us_player *player, const char *target);
void us_fn_fini(struct us_function *fn);

/* Leaves a sentence, which is given the target as its beginning; returns `code`. */
int us_fn_fail(struct us_function *fn, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Interrupt `n` of the enabled kind came `times` more. Out of range is ignored: the other side is not trusted. */
void us_fn_came(struct us_function *fn, unsigned n, uint64_t times);

/* mmap(), remembered for us_fn_close(); the same again is the same mapping. */
int us_fn_view(struct us_function *fn, int fd, uint64_t fd_offset, size_t length, int prot, void **at);

/* "BAR 2", "config space", … */
const char *us_region_name(unsigned region);

/* "INTx", "MSI", "MSI-X" */
const char *us_irq_name(unsigned kind);

/* -- interrupts as eventfds, for the players that get them so (eventfds.c) ---------------------------------------- */

struct us_eventfds {
	int epoll;
	int other; /* one descriptor more to wait for, or -1 */
	int *fds; /* count of them, vector 0 first */
	unsigned count;
};

/* `other`, unless -1, is waited for along with the interrupts; it stays the caller's. */
int us_eventfds_open(struct us_function *fn, struct us_eventfds *e, int other);
void us_eventfds_close(struct us_eventfds *e);

/* Makes `count` eventfds, and closes them. */
int us_eventfds_make(struct us_function *fn, struct us_eventfds *e, unsigned count);
void us_eventfds_drop(struct us_eventfds *e);

/*
 * Waits until one is signalled, `other` is readable (*readable), or the moment `deadline` of us_real_now(). Counts with
 * us_fn_came(). 1: something was there, 0: the deadline passed first.
 */
int us_eventfds_wait(struct us_function *fn, struct us_eventfds *e, uint64_t deadline, bool *readable);

/* CLOCK_MONOTONIC in nanoseconds: `now` of the players in real time. */
uint64_t us_real_now(struct us_function *fn);

/* -- the header, as firmware and an operating system treat it (header.c) ----------------------------------------- */

/* Fills the IDs and the BARs' kinds in info; sizes are the player's. */
int us_header_read(struct us_function *fn);

/* Gives each BAR an address of its own, as firmware does. */
int us_header_assign(struct us_function *fn);

/* Command register: memory and I/O space on where there are such BARs, everything else off. */
int us_header_enable(struct us_function *fn);

/* Read-modify-write of 2 or 4 bytes of config space. */
int us_header_change(struct us_function *fn, unsigned offset, unsigned width, uint32_t clear, uint32_t set);

/* Masks one message at the function: in the MSI capability, or in the MSI-X table. -ENOTSUP without per-vector masking.
 */
int us_header_mask_msi(struct us_function *fn, unsigned n, bool masked);
int us_header_mask_msix(struct us_function *fn, unsigned n, bool masked);

/* The MSI-X table: its region and offset there. -ENOENT without, -EPROTO where the capability says nonsense. */
int us_header_msix_table(struct us_function *fn, unsigned *region, uint64_t *offset);

/* -- the players ------------------------------------------------------------------------------------------------ */

struct us_model;

int us_model_open(const char *model, struct us_function **fn, struct us_error *err);
int us_socket_open(const char *path, struct us_function **fn, struct us_error *err);
int us_kernel_open(const char *address, struct us_function **fn, struct us_error *err);

/* The in-process player for a model at hand (tests, the stage). */
int us_model_play(const struct us_model *model, struct us_function **fn, struct us_error *err);

/* Over a connected socket (tests); it is the player's from here on, on failure too. */
int us_socket_play(int fd, const char *name, struct us_function **fn, struct us_error *err);

#endif
