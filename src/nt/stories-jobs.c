/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that tell stories together, and how what they say comes together again. */
#include "nt/stories-jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS_OF_PIECE 16

/* What the processes share. */
struct shared {
	_Atomic uint64_t next; /* piece that nobody has taken */
	atomic_bool failed[]; /* of each story: pieces that nobody has taken need not be told any more */
};

/* What a process says of a piece; `details` bytes of the report follow. */
struct message {
	uint64_t piece; /* of all */
	int rc;
	struct us_told told;
	struct us_error err;
	size_t details;
};

struct outcome {
	struct outcome *next;
	struct message message;
};

struct progress {
	uint64_t first, count; /* the pieces of the story */
	uint64_t folded; /* so many are in `sum` */
	struct outcome *waiting; /* those behind, in order */
	struct message sum;
	bool ended; /* by a piece that failed, or by the last */
};

struct us_jobs {
	const struct us_telling *telling;
	const struct us_chosen *chosen;
	unsigned count;
	struct progress *progress;
	uint64_t pieces;
	struct shared *shared;
	size_t shared_size;
	unsigned nworkers;
	struct worker {
		pid_t pid;
		int from; /* -1: it has said all */
	} * workers;
	struct pollfd *polled;
};

/* -- pieces ------------------------------------------------------------------------------------------------------- */

static void cut(struct us_jobs *jobs)
{
	for (unsigned i = 0; i < jobs->count; i++) {
		uint64_t last = us_story_last_seed(jobs->telling, jobs->chosen[i].story);

		jobs->progress[i].first = jobs->pieces;
		jobs->progress[i].count = (last - jobs->telling->first_seed) / SEEDS_OF_PIECE + 1;
		jobs->pieces += jobs->progress[i].count;
	}
}

static unsigned story_of(const struct us_jobs *jobs, uint64_t piece)
{
	unsigned low = 0, high = jobs->count;

	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (jobs->progress[middle].first <= piece)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* -- a process that tells ----------------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t size)
{
	for (const char *at = data; size;) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static void tell_piece(const struct us_jobs *jobs, const struct us_telling *telling, unsigned story,
		       struct message *message)
{
	const struct us_chosen *chosen = &jobs->chosen[story];
	uint64_t first = telling->first_seed + (message->piece - jobs->progress[story].first) * SEEDS_OF_PIECE;
	uint64_t last = us_story_last_seed(telling, chosen->story);

	if (last - first >= SEEDS_OF_PIECE)
		last = first + SEEDS_OF_PIECE - 1;
	message->rc = us_story_tell(telling, chosen, first, last, &message->told, &message->err);
	message->details = message->told.report.details ? strlen(message->told.report.details) : 0;
	if (message->rc || message->told.failed)
		atomic_store(&jobs->shared->failed[story], true);
}

/* Takes pieces until there are none, or nobody listens. */
static void work(const struct us_jobs *jobs, int to)
{
	struct us_telling telling = *jobs->telling;
	struct us_function *fn = NULL;
	struct us_error err = {""};
	int rc = us_fn_open("model", telling.rehearsal.model, &fn, &err);
	bool heard = true;

	telling.rehearsal.function = fn;
	while (heard) {
		struct message message = {.piece = atomic_fetch_add(&jobs->shared->next, 1), .rc = rc, .err = err};
		unsigned story;

		if (message.piece >= jobs->pieces)
			break;
		story = story_of(jobs, message.piece);
		if (atomic_load(&jobs->shared->failed[story])) {
			/* It was taken later than the one that failed, so it stands behind that, as all up to the next.
			 */
			uint64_t next = jobs->progress[story].first + jobs->progress[story].count,
				 taken = message.piece + 1;

			while (taken < next && !atomic_compare_exchange_weak(&jobs->shared->next, &taken, next))
				;
			continue;
		}
		if (!rc)
			tell_piece(jobs, &telling, story, &message);
		heard = write_all(to, &message, sizeof message) &&
			write_all(to, message.told.report.details, message.details);
		us_rehearsal_free(&message.told.report);
	}
}

static int start_worker(struct us_jobs *jobs, struct worker *worker, struct us_error *err)
{
	const pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return us_fail(err, -errno, "no pipe to a process that tells stories: %s", strerror(errno));
	worker->pid = fork();
	if (worker->pid < 0) {
		int why = errno;

		close(ends[0]);
		close(ends[1]);
		return us_fail(err, -why, "no process to tell stories: %s; --jobs 1 needs none", strerror(why));
	}
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			work(jobs, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	worker->from = ends[0];
	return 0;
}

int us_jobs_start(const struct us_telling *telling, const struct us_chosen *chosen, unsigned count, struct us_jobs **to,
		  struct us_error *err)
{
	struct us_jobs *jobs = calloc(1, sizeof *jobs);
	int rc = 0;

	*to = jobs;
	if (!jobs)
		return us_fail(err, -ENOMEM, "out of memory");
	jobs->telling = telling;
	jobs->chosen = chosen;
	jobs->count = count;
	jobs->progress = calloc(count, sizeof *jobs->progress);
	jobs->workers = calloc(telling->jobs, sizeof *jobs->workers);
	jobs->polled = calloc(telling->jobs, sizeof *jobs->polled);
	jobs->shared_size = sizeof *jobs->shared + count * sizeof *jobs->shared->failed;
	jobs->shared = mmap(NULL, jobs->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (jobs->shared == MAP_FAILED)
		jobs->shared = NULL;
	if (!jobs->progress || !jobs->workers || !jobs->polled || !jobs->shared)
		rc = us_fail(err, -ENOMEM, "out of memory");
	else
		cut(jobs);
	for (; !rc && jobs->nworkers < telling->jobs && jobs->nworkers < jobs->pieces; jobs->nworkers++)
		if ((rc = start_worker(jobs, &jobs->workers[jobs->nworkers], err)))
			break;
	if (rc) {
		us_jobs_end(jobs);
		*to = NULL;
	}
	return rc;
}

/* -- what they say ------------------------------------------------------------------------------------------------ */

/* Takes over what follows in order, up to the first that failed. */
static void fold(struct progress *p)
{
	while (!p->ended && p->waiting && p->waiting->message.piece == p->first + p->folded) {
		struct outcome *outcome = p->waiting;
		struct us_told before = p->sum.told;

		p->waiting = outcome->next;
		p->sum = outcome->message;
		p->sum.told.rehearsals += before.rehearsals;
		p->sum.told.points += before.points;
		p->ended = p->sum.rc || p->sum.told.failed || ++p->folded == p->count;
		free(outcome);
	}
}

static void keep(struct us_jobs *jobs, struct outcome *outcome)
{
	struct progress *p = &jobs->progress[story_of(jobs, outcome->message.piece)];
	struct outcome **at = &p->waiting;

	while (*at && (*at)->message.piece < outcome->message.piece)
		at = &(*at)->next;
	outcome->next = *at;
	*at = outcome;
	fold(p);
}

/* 1: all of it, 0: there is no more, or negative. */
static int read_all(int fd, void *data, size_t size)
{
	for (char *at = data; size;) {
		ssize_t n = read(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		at += n;
		size -= (size_t)n;
	}
	return 1;
}

/* A process says no more: it is done, or was ended before that. */
static int bury(struct worker *worker, struct us_error *err)
{
	int status = 0;

	close(worker->from);
	worker->from = -1;
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return us_fail(err, -ECHILD,
			       "a process that told stories was ended by signal %d (%s): with --jobs 1 it is "
			       "seen in which",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return us_fail(err, -ECHILD,
			       "a process that told stories ended with status %d: with --jobs 1 it is seen in "
			       "which",
			       WEXITSTATUS(status));
	return 0;
}

static int hear(struct us_jobs *jobs, struct worker *worker, struct us_error *err)
{
	struct outcome *outcome = malloc(sizeof *outcome);
	struct us_rehearsal_report *report;
	int heard;

	if (!outcome)
		return us_fail(err, -ENOMEM, "out of memory");
	heard = read_all(worker->from, &outcome->message, sizeof outcome->message);
	report = &outcome->message.told.report;
	if (heard == 1 && report->details) {
		report->details = calloc(1, outcome->message.details + 1);
		if (!report->details) {
			free(outcome);
			return us_fail(err, -ENOMEM, "out of memory");
		}
		heard = read_all(worker->from, report->details, outcome->message.details);
		if (heard != 1)
			free(report->details);
	}
	if (heard != 1) {
		free(outcome);
		return bury(worker, err);
	}
	keep(jobs, outcome);
	return 0;
}

/* Waits until somebody says something. */
static int hear_some(struct us_jobs *jobs, struct us_error *err)
{
	unsigned speaking = 0;
	int rc = 0;

	for (unsigned i = 0; i < jobs->nworkers; i++) {
		jobs->polled[i] = (struct pollfd){.fd = jobs->workers[i].from, .events = POLLIN};
		speaking += jobs->workers[i].from >= 0;
	}
	if (!speaking)
		return us_fail(err, -ECHILD, "the processes that tell stories have ended before all were told");
	if (poll(jobs->polled, jobs->nworkers, -1) < 0)
		return errno == EINTR ? 0 : us_fail(err, -errno, "waiting for stories failed: %s", strerror(errno));
	for (unsigned i = 0; !rc && i < jobs->nworkers; i++)
		if (jobs->polled[i].revents)
			rc = hear(jobs, &jobs->workers[i], err);
	return rc;
}

int us_jobs_told(struct us_jobs *jobs, unsigned story, struct us_told *told, struct us_error *err)
{
	struct progress *p = &jobs->progress[story];
	int rc = 0;

	while (!rc && !p->ended)
		rc = hear_some(jobs, err);
	if (rc)
		return rc;
	if (p->sum.rc) {
		*err = p->sum.err;
		return p->sum.rc;
	}
	*told = p->sum.told;
	p->sum.told.report.details = NULL;
	return 0;
}

void us_jobs_end(struct us_jobs *jobs)
{
	if (!jobs)
		return;
	for (unsigned i = 0; i < jobs->nworkers; i++) {
		if (jobs->workers[i].from < 0)
			continue;
		kill(jobs->workers[i].pid, SIGKILL);
		waitpid(jobs->workers[i].pid, NULL, 0);
		close(jobs->workers[i].from);
	}
	for (unsigned i = 0; jobs->progress && i < jobs->count; i++) {
		struct progress *p = &jobs->progress[i];

		us_rehearsal_free(&p->sum.told.report);
		for (struct outcome *o = p->waiting, *next; o; o = next) {
			next = o->next;
			us_rehearsal_free(&o->message.told.report);
			free(o);
		}
	}
	if (jobs->shared)
		munmap(jobs->shared, jobs->shared_size);
	free(jobs->polled);
	free(jobs->workers);
	free(jobs->progress);
	free(jobs);
}
