/* SPDX-License-Identifier: Apache-2.0 */
/* Stories told by several processes: what is said is what one process says, and one that dies is missed. */
#include "rig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nt/stories.h"

static NTSTATUS NTAPI entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	(void)driver, (void)registry;
	return STATUS_SUCCESS;
}

/* -- stories ------------------------------------------------------------------------------------------------------ */

struct race {
	unsigned begun, first;
};

static void runner(struct us_nt_user *user, void *context)
{
	struct race *race = context;
	unsigned number = ++race->begun;

	(void)user;
	us_nt_point(1000);
	if (!race->first)
		race->first = number;
}

static unsigned who_is_first(struct us_nt_user *user)
{
	struct race race = {0};
	struct us_nt_thread *threads[4];

	for (unsigned i = 0; i < 4; i++)
		threads[i] = us_nt_thread(user, runner, &race);
	for (unsigned i = 0; i < 4; i++)
		us_nt_join(user, threads[i]);
	return race.first;
}

static void passes(struct us_nt_user *user, void *context)
{
	(void)context;
	who_is_first(user);
}

static void fails_by_chance(struct us_nt_user *user, void *context)
{
	(void)context;
	for (unsigned i = 0; i < 2; i++)
		us_nt_expect(user, who_is_first(user) != 3);
}

static void fails(struct us_nt_user *user, void *context)
{
	(void)context;
	us_nt_fail(user, "always");
}

static void dies(struct us_nt_user *user, void *context)
{
	(void)user, (void)context;
	kill(getpid(), SIGKILL);
}

static void gives_up(struct us_nt_user *user, void *context)
{
	(void)user, (void)context;
	_exit(7);
}

static const struct us_story list[] = {
	{"own.passes", passes, 0, 0, 0},
	{"own.once", passes, US_STORY_ONCE, 0, 0},
	{"own.by-chance", fails_by_chance, 0, 0, 0},
	{"own.fails", fails, 0, 0, 0},
	{"own.more", passes, 0, 0, 0},
	{"own.last", passes, US_STORY_ONCE, 0, 0},
	{"dead.dies", dies, 0, 0, 0},
	{"dead.exits", gives_up, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
static const struct us_story *const lists[] = {list, NULL};
static const struct us_stories stories = {.abi = US_STORIES_ABI, .lists = lists};

/* -- what is said ------------------------------------------------------------------------------------------------- */

struct said {
	char *text; /* all of TAP and reports; free() */
	int status; /* 0: us_stories_tell() gave 0, 1: it did not */
};

/* In a process of its own, for several processes are for one that has rehearsed nothing yet. */
static struct said tell(const char *filter, uint64_t last_seed, unsigned jobs, bool driver)
{
	struct said said = {0};
	int ends[2], status;
	size_t size = 0;
	FILE *text = open_memstream(&said.text, &size);
	char buffer[4096];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		FILE *out = fdopen(ends[1], "w");
		const struct us_telling telling = {
			.rehearsal = {.entry = driver ? (void *)(uintptr_t)entry : NULL,
				      .driver = driver ? NULL : "none.sys",
				      .model = "adder"},
			.first_seed = 1,
			.last_seed = last_seed,
			.jobs = jobs,
			.filter = filter,
			.again = "again",
			.tap = out,
			.reports = out,
		};

		struct us_telling_result result;
		struct us_error err;
		int rc = us_stories_tell(&telling, &stories, &result, &err);

		fclose(out);
		_exit(rc ? 1 : 0);
	}
	close(ends[1]);
	for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
		fwrite(buffer, 1, (size_t)n, text);
	close(ends[0]);
	fclose(text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	said.status = WEXITSTATUS(status);
	return said;
}

static void the_same_is_said(void **state)
{
	static const unsigned jobs[] = {2, 3, 8, 64};
	struct said alone = tell("own.*", 200, 1, true);

	(void)state;
	assert_int_equal(alone.status, 0);
	assert_non_null(strstr(alone.text, "\nok 1 - own.passes # 200 rehearsals"));
	assert_non_null(strstr(alone.text, "\nok 2 - own.once # 1 rehearsal,"));
	assert_non_null(strstr(alone.text, "\nnot ok 3 - own.by-chance # "));
	assert_null(strstr(alone.text,
			   "\nnot ok 3 - own.by-chance # 1 rehearsal,")); /* else chance is not what this tests */
	assert_non_null(strstr(alone.text, "\nnot ok 4 - own.fails # 1 rehearsal,"));
	assert_non_null(strstr(alone.text, "own.fails, seed 1: "));
	for (unsigned i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
		struct said together = tell("own.*", 200, jobs[i], true);

		assert_int_equal(together.status, 0);
		assert_string_equal(together.text, alone.text);
		free(together.text);
	}
	free(alone.text);
}

/* The seeds behind a failure are not told, however many they are. */
static void a_failure_ends_a_story(void **state)
{
	struct said said = tell("own.fails,own.last", UINT64_MAX / 100000, 3, true);

	(void)state;
	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.text, "\nok 2 - own.last # 1 rehearsal,"));
	assert_non_null(strstr(said.text, "\nnot ok 1 - own.fails # 1 rehearsal,"));
	free(said.text);
}

static void a_process_that_dies_is_missed(void **state)
{
	struct said killed = tell("own.passes,dead.dies", 40, 3, true),
		    gone = tell("own.passes,dead.exits", 40, 3, true);

	(void)state;
	assert_int_equal(killed.status, 1);
	assert_non_null(strstr(killed.text, "Bail out! a process that told stories was ended by signal 9"));
	assert_int_equal(gone.status, 1);
	assert_non_null(strstr(gone.text, "Bail out! a process that told stories ended with status 7"));
	free(killed.text);
	free(gone.text);
}

static void what_can_not_begin_is_said_once(void **state)
{
	struct said alone = tell("own.*", 40, 1, false), together = tell("own.*", 40, 3, false);

	(void)state;
	assert_int_equal(together.status, 1);
	assert_non_null(strstr(together.text, "Bail out! none.sys"));
	assert_string_equal(together.text, alone.text);
	free(alone.text);
	free(together.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_said),
		cmocka_unit_test(a_failure_ends_a_story),
		cmocka_unit_test(a_process_that_dies_is_missed),
		cmocka_unit_test(what_can_not_begin_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
