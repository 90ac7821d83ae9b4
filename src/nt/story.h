/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story's side of the stage: the application and the people around the device (nt.h). story.c tells it from
 * beginning to end, story-device.c is the device's life, story-io.c what applications do, story-world.c the rest.
 */
#ifndef UNDERSTUDY_NT_STORY_H
#define UNDERSTUDY_NT_STORY_H

#include "nt/kernel.h"

#define US_STORY_HANGS 16

/* A request under way: us_nt_io.stage. */
struct us_story_io {
	struct us_nt_request request;
	struct us_nt_io *io; /* NULL: the story has returned, and does not care any more */
	struct us_thread *owner; /* who started it */
	void *in, *out; /* copies in the user window of what is not there; NULL: none */
	void *story_out; /* where what was read goes */
	struct us_thread *waiter;
	struct us_story_io *next, **link;
};

struct us_story_file {
	PFILE_OBJECT object; /* NULL: closed */
};

struct us_story_buffer {
	struct us_story_buffer *next;
	void *base;
	size_t pages;
};

struct us_nt_thread {
	struct us_nt_thread *next;
	struct us_thread *joiner;
	void (*run)(struct us_nt_user *user, void *context);
	void *context;
	struct us_nt_user *user;
	bool ended;
};

/* A register of a device that hangs: does not hear writes, or says the same at each read. */
struct us_story_hang {
	unsigned bar;
	bool of_reads;
	uint64_t offset, value;
};

struct us_nt_user {
	PDRIVER_OBJECT driver; /* NULL: not loaded */
	struct us_story_file *files;
	size_t nfiles;
	struct us_story_io *ios; /* not ended yet */
	struct us_story_buffer *buffers;
	struct us_nt_thread *threads;
	struct us_story_hang hangs[US_STORY_HANGS];
	unsigned nhangs;
};

/* The file of a handle; the run fails for one that is not open. */
PFILE_OBJECT us_story_file(struct us_nt_user *user, us_nt_handle handle);

/* The end of the application: its requests are cancelled and waited for, its files closed, its threads joined. */
void us_story_end_application(struct us_nt_user *user);

/*
 * Waits until `until(context)`, looking again whenever somebody wakes *waiter; false: `ns` passed first (US_FOREVER:
 * never). `what` is for the report of a hang.
 */
bool us_story_wait(struct us_thread **waiter, bool (*until)(const void *context), const void *context, uint64_t ns,
		   const char *what);

#endif
