/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test a Windows driver: the compiled driver, on an NT kernel and KMDF of our own in this process, against a function
 * (function.h) that may be a model, a vfio-user server or the card itself.
 *
 * A test is a story. It runs as an application's thread on the stage, and what it calls are the system calls of
 * applications and the doings of people: plug the device in, open it, send requests, let it sleep, pull it out.
 *
 *     static void a_digest(struct us_nt_user *user, void *context)
 *     {
 *             us_nt_status status = us_nt_plug_in(user);
 *             …
 *             us_nt_handle file = us_nt_open(user, US_NT_READ, &status);
 *             us_nt_expect(user, status == 0);
 *             status = us_nt_control(user, file, IOCTL_…, in, in_size, out, out_size, &returned);
 *             us_nt_close(user, file);
 *     }
 *
 *     struct us_rehearsal r = {.driver = "crypto.sys", .target = "model", .model = "crypto", .seed = 7};
 *     rc = us_rehearse(&r, a_digest, NULL, &report, &err);
 *
 * The story does not have to tell the end: what is open is closed, the device is removed, the driver unloaded, and what it
 * then still owns is a failure of the run. On a model all is deterministic: the same seed is the same run, to the byte of
 * the trace. A status is Windows' NTSTATUS: 0 is success, negative a failure, and so on.
 *
 * Signals: SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP are the stage's while a run lasts; SIGVTALRM, by a timer of one
 * second, from the first run on.
 *
 * Threads: one run at a time on a host thread. The us_nt_* functions below that take a us_nt_user are called from the story,
 * or from a thread that it started with us_nt_thread().
 */
#ifndef UNDERSTUDY_NT_H
#define UNDERSTUDY_NT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <understudy/error.h>
#include <understudy/function.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t us_nt_status; /* NTSTATUS */
typedef uint32_t us_nt_handle; /* of an open file, as the application sees it; 0: none */

/* How the system grants interrupts to the device. */
enum us_nt_grant {
	US_NT_GRANT_BEST, /* as its INF asks (understood: MSI with the device's number of messages, else what there is) */
	US_NT_GRANT_LINE, /* INTx, shared with another device that chatters on it */
	US_NT_GRANT_MSI, /* `messages` of MSI: fewer than asked when so */
	US_NT_GRANT_MSIX, /* `messages` of MSI-X */
};

/* A value of the driver's registry keys, as its INF writes them. */
struct us_nt_value {
	const char *key; /* "Parameters" (of the service), "Device" (the hardware key), "Device\\Sub", … */
	const char *name;
	uint32_t type; /* 1 REG_SZ (data is UTF-8, NUL-terminated), 3 REG_BINARY, 4 REG_DWORD */
	const void *data;
	size_t size;
};

/* What is rehearsed, and how. Zero is the default of everything but driver or entry. */
struct us_rehearsal {
	const char *driver; /* path of the .sys */
	void *entry; /* instead: a native DriverEntry (ms_abi), for tests that are compiled here */

	const char *target, *model; /* as for us_fn_open(); NULL: "model" */
	/*
	 * Instead: open already, stays the caller's; is reset at the start of the run. In real time it can reach the stage's
	 * memory until it is closed, so that runs follow each other quickly.
	 */
	struct us_function *function;

	uint64_t seed;
	unsigned cpus; /* 1 to 8; 0: 2 */
	enum us_nt_grant grant;
	unsigned messages; /* 0: as many as the function has */
	size_t memory; /* bytes of physical memory; 0: 64 MiB */
	uint64_t time_limit; /* ns after which the run counts as hung; 0: 10 minutes of virtual time, 1 of real time */
	uint64_t point_limit; /* the same in scheduling points; 0: 50 million */
	const struct us_nt_value *registry;
	size_t nregistry;

	FILE *trace; /* every call, choice, access, DMA and interrupt as text; NULL: none */
	FILE *print; /* what the driver prints (DbgPrint); NULL: only into the trace */
	const char *replay; /* the command that runs this again, for reports; NULL: none is said */

	/*
	 * Makes a call fail for want of memory: the `fail_nth` (from 1) of the calls that can, counted over the run; 0:
	 * none. With `fail_name` only calls of that function count.
	 */
	unsigned fail_nth;
	const char *fail_name;
};

enum us_nt_outcome {
	US_NT_RUNNING, /* not yet */
	US_NT_PASSED, /* the story was told to its end, and the driver left nothing behind */
	US_NT_EXPECTATION, /* us_nt_expect() failed */
	US_NT_BUGCHECK, /* Windows would have crashed, or its verifier would have */
	US_NT_HANG, /* nobody can ever go on, or not in time */
	US_NT_LEAK, /* the driver is unloaded and still owns something */
	US_NT_UNSUPPORTED, /* it needs what the stage does not have */
	US_NT_FAILED, /* the stage or the target could not do its part */
};

/* What became of a run. */
struct us_rehearsal_report {
	enum us_nt_outcome outcome;
	char rule[64]; /* what was broken: "irql.wait", "pool.leak", …; "" for none */
	uint32_t code; /* of the bugcheck */
	uint64_t parameters[4];
	char text[1024]; /* the sentence */
	char *details; /* all that is known, many lines: stack, last calls, threads, how to replay; us_rehearsal_free() */
	uint64_t points, time; /* scheduling points passed; virtual ns that it took */
	uint64_t calls, registers, interrupts; /* of the driver to the stage; register accesses; interrupts delivered */
	uint64_t failable; /* calls that could have been made to fail (fail_nth goes up to this) */
};

struct us_nt_user; /* the story's application */

/*
 * Runs a story. 0: the run took place, and *report says how it went; a negative errno with a sentence: it could not begin (the
 * driver's file, the target). `story` NULL: plug in, and out again.
 */
int us_rehearse(const struct us_rehearsal *rehearsal, void (*story)(struct us_nt_user *user, void *context), void *context,
		struct us_rehearsal_report *report, struct us_error *err);
void us_rehearsal_free(struct us_rehearsal_report *report); /* what it holds; the report stays */

/* "passed", "bugcheck", … */
const char *us_nt_outcome_name(enum us_nt_outcome outcome);

/* Ends the run as US_NT_EXPECTATION when the condition is false. */
#define us_nt_expect(user, condition)                                                                                  \
	((condition) ? (void)0 : us_nt_fail(user, "%s:%d: %s", __FILE__, __LINE__, #condition))
#define us_nt_expect_status(user, got, expected) us_nt_compare(user, got, expected, __FILE__, __LINE__, #got)
void us_nt_fail(struct us_nt_user *user, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void us_nt_compare(struct us_nt_user *user, us_nt_status got, us_nt_status expected, const char *file, int line,
		   const char *what);

/* -- the device's life -------------------------------------------------------------------------------------------- */

/* Loads the driver if it is not (DriverEntry), finds the device, adds and starts it. The status of the step that failed. */
us_nt_status us_nt_plug_in(struct us_nt_user *user);

/* Removes the device in an orderly way (query, then remove). STATUS_UNSUCCESSFUL: the driver refused the query. */
us_nt_status us_nt_eject(struct us_nt_user *user);

/* Pulled out: the function answers all ones from now on, and the system hears of it at once. Handles stay open. */
void us_nt_pull_out(struct us_nt_user *user);

/* The function stops answering (all ones, no interrupts, no DMA) and nobody tells the system. */
void us_nt_vanish(struct us_nt_user *user);

/* Stops the device and starts it again with other resources (its BARs move). */
us_nt_status us_nt_rebalance(struct us_nt_user *user);

/* From its next start on the device's memory is listed the other way round among its resources: the last BAR first. */
void us_nt_reverse_resources(struct us_nt_user *user);

/* The system sleeps (S3: the device goes to D3, and loses its state), and wakes. */
us_nt_status us_nt_sleep_system(struct us_nt_user *user);
us_nt_status us_nt_wake_system(struct us_nt_user *user);

/*
 * The system begins to shut down: the devices that have registered for it hear of it, each once. What a shutdown does to
 * the device is not played: the story goes on.
 */
void us_nt_shut_down(struct us_nt_user *user);

/* Takes the driver out of memory; the device must be removed before. */
us_nt_status us_nt_unload(struct us_nt_user *user);

/* The device was started and has not stopped, slept or failed. */
bool us_nt_is_started(struct us_nt_user *user);

/* -- what applications do ----------------------------------------------------------------------------------------- */

enum us_nt_access { US_NT_READ = 1, US_NT_WRITE = 2 };

/* Opens the device by its (first) interface, or by a name below \\.\ when `name` is not NULL. 0 with *status on failure. */
us_nt_handle us_nt_open(struct us_nt_user *user, int access, us_nt_status *status);
us_nt_handle us_nt_open_name(struct us_nt_user *user, const char *name, int access, us_nt_status *status);
/* What the file's requests become is the driver's affair (IRP_MJ_CLEANUP); they still have to be waited for. */
void us_nt_close(struct us_nt_user *user, us_nt_handle file);

/*
 * A request that takes its time. Buffers are the application's memory (us_nt_buffer()) or any of the story's: what is
 * not on the stage is copied there and back. They stay the caller's until the request has ended.
 */
struct us_nt_io {
	us_nt_handle file;
	us_nt_status status; /* when it has ended: STATUS_PENDING (0x103) before */
	uint64_t information; /* bytes, mostly */
	void *stage; /* the stage's */
};
void us_nt_start_control(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, uint32_t code, const void *in,
			 size_t in_size, void *out, size_t out_size);
void us_nt_start_read(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, void *data, size_t size,
		      uint64_t offset);
void us_nt_start_write(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, const void *data, size_t size,
		       uint64_t offset);

/* Waits for its end: its status. With a limit of `ns`, US_FOREVER: none; STATUS_TIMEOUT (0x102) when that passes first. */
us_nt_status us_nt_wait(struct us_nt_user *user, struct us_nt_io *io, uint64_t ns);
bool us_nt_has_ended(struct us_nt_user *user, struct us_nt_io *io);

/* Asks for its cancellation (CancelIoEx); it still has to be waited for. */
void us_nt_cancel(struct us_nt_user *user, struct us_nt_io *io);

/* The same, sent and waited for. *returned, unless NULL, is the information. */
us_nt_status us_nt_control(struct us_nt_user *user, us_nt_handle file, uint32_t code, const void *in, size_t in_size,
			   void *out, size_t out_size, uint64_t *returned);
us_nt_status us_nt_read(struct us_nt_user *user, us_nt_handle file, void *data, size_t size, uint64_t offset,
			uint64_t *returned);
us_nt_status us_nt_write(struct us_nt_user *user, us_nt_handle file, const void *data, size_t size, uint64_t offset,
			 uint64_t *returned);

/*
 * Memory of the application: `size` bytes that begin `offset` bytes into a page, contiguous for it and scattered for the
 * device, every other page above 4 GiB. Zeroed; given back by the end of the run.
 */
void *us_nt_buffer(struct us_nt_user *user, size_t size, size_t offset);
void us_nt_buffer_free(struct us_nt_user *user, void *buffer);

/* Another thread of the application; and its end. */
struct us_nt_thread;
struct us_nt_thread *us_nt_thread(struct us_nt_user *user, void (*run)(struct us_nt_user *user, void *context), void *context);
void us_nt_join(struct us_nt_user *user, struct us_nt_thread *thread);

/* -- the world ---------------------------------------------------------------------------------------------------- */

/* Lets so much (virtual) time pass. */
void us_nt_advance(struct us_nt_user *user, uint64_t ns);
uint64_t us_nt_time(struct us_nt_user *user);

/* A number below `bound` from the run's generator: for stories that differ from seed to seed. */
uint32_t us_nt_chance(struct us_nt_user *user, uint32_t bound);

/* The function, to make it misbehave or look at it. Its memory and interrupts are the stage's: leave those alone. */
struct us_function *us_nt_function(struct us_nt_user *user);

/*
 * The device hangs, until us_nt_unhang(): it does not hear what is written to a register any more, or says the same each time
 * one is read. `offset` is where the driver's access begins.
 */
void us_nt_hang(struct us_nt_user *user, unsigned bar, uint64_t offset);
void us_nt_stick(struct us_nt_user *user, unsigned bar, uint64_t offset, uint64_t value);
void us_nt_unhang(struct us_nt_user *user);

/*
 * The device's transfers all go through copies, on 256 map registers that are waited for when others have them: as under
 * Driver Verifier, or on a system that can not address all memory. Before the device is plugged in.
 */
void us_nt_copy_all(struct us_nt_user *user);

/* How many pieces of pool the driver owns, and their bytes. */
void us_nt_pool_owned(struct us_nt_user *user, size_t *pieces, size_t *bytes);

/*
 * A secret of `size` bytes (at most 64): from now on the run ends as US_NT_EXPECTATION, with the rule pool.secret, when pool is freed that still
 * has them in it; it may be anybody's next. That is the driver's own pool, and what the system allocates for it: the
 * contexts of objects, the copies of buffered requests.
 */
void us_nt_secret(struct us_nt_user *user, const void *bytes, size_t size);

/* How many entries the driver has written to the system's event log with this error code (of its .mc file). */
unsigned us_nt_events(struct us_nt_user *user, uint32_t code);

/* -- stories for `understudy rehearse` ---------------------------------------------------------------------------- */

enum us_story_flags {
	US_STORY_VIRTUAL_TIME = 1, /* needs a model: it makes the device misbehave, or counts on virtual time */
	US_STORY_EVERY_FAILURE = 2, /* bears that a call fails: is told again for each call that can, with that one failing */
	US_STORY_ONCE = 4, /* does not depend on chance: told for the first seed only */
	US_STORY_OWN_GRANT = 8, /* is about how interrupts are granted: the user's wish does not count */
};

struct us_story {
	const char *name; /* "digest.every-length": how a user selects it */
	void (*tell)(struct us_nt_user *user, void *context); /* context is NULL */
	int flags; /* enum us_story_flags */
	enum us_nt_grant grant; /* how interrupts are granted, unless the user says */
	unsigned messages;
};

#define US_STORIES_ABI 1

struct us_stories {
	unsigned abi; /* US_STORIES_ABI; US_STORIES() fills it in */
	const struct us_story *const *lists; /* each ends with a story without a name; the last one is followed by NULL */
	const struct us_nt_value *registry; /* what the driver's INF writes */
	size_t nregistry;
};

/*
 * Defines the stories of a driver that a shared object exports (`--stories ./mystories.so`). A file that is compiled into a
 * program with others defines US_STORIES_NAME first (a symbol of its own).
 */
#ifndef US_STORIES_NAME
#define US_STORIES_NAME us_stories
#endif
#define US_STORIES(...)                                                                                                \
	extern const struct us_stories US_STORIES_NAME;                                                                \
	__attribute__((visibility("default"))) const struct us_stories US_STORIES_NAME = {.abi = US_STORIES_ABI,       \
											  __VA_ARGS__}

#ifdef __cplusplus
}
#endif

#endif
