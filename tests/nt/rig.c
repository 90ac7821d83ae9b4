/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <stdio.h>

static const struct us_rehearsal the_adder = {.model = "adder"};

/* Reads the report: the run passed, or broke just this rule. */
static void judge(int rc, const struct us_error *err, struct us_rehearsal_report *report, const char *rule,
		  uint64_t seed)
{
	bool right;

	if (rc)
		fail_msg("the run did not begin: %s", err->text);
	right = rule ? strcmp(report->rule, rule) == 0 : report->outcome == US_NT_PASSED;
	if (!right) {
		fprintf(stderr, "seed %llu\n%s\n", (unsigned long long)seed, report->details ? report->details : "");
		if (rule)
			fail_msg("expected the rule %s; got %s [%s]: %s", rule, us_nt_outcome_name(report->outcome),
				 report->rule, report->text);
		fail_msg("%s [%s]: %s", us_nt_outcome_name(report->outcome), report->rule, report->text);
	}
	us_rehearsal_free(report);
}

static void run(const struct us_rehearsal *rehearsal, const char *rule, void (*body)(void *context), void *context)
{
	const struct us_rehearsal *r = rehearsal ? rehearsal : &the_adder;
	struct us_rehearsal_report report = {0};
	struct us_error err = {0};

	judge(us_nt_run(r, body, context, &report, &err), &err, &report, rule, r->seed);
}

void rig_run(const struct us_rehearsal *rehearsal, void (*body)(void *context), void *context)
{
	run(rehearsal, NULL, body, context);
}

void rig_run_seeds(unsigned seeds, void (*body)(void *context), void *context)
{
	struct us_rehearsal r = the_adder;

	for (r.seed = 0; r.seed < seeds; r.seed++)
		run(&r, NULL, body, context);
}

void rig_run_breaks(const char *rule, void (*body)(void *context), void *context)
{
	run(NULL, rule, body, context);
}

void rig_thread(const char *name, void (*start)(void *context), void *context)
{
	rig_expect(us_nt_thread_create(name, 8, start, context));
}

static void tell(const char *rule, const struct us_rehearsal *rehearsal,
		 void (*story)(struct us_nt_user *user, void *context), void *context)
{
	struct us_rehearsal_report report = {0};
	struct us_error err = {0};

	judge(us_rehearse(rehearsal, story, context, &report, &err), &err, &report, rule, rehearsal->seed);
}

void rig_tell(const struct us_rehearsal *rehearsal, void (*story)(struct us_nt_user *user, void *context),
	      void *context)
{
	tell(NULL, rehearsal, story, context);
}

void rig_tell_breaks(const char *rule, const struct us_rehearsal *rehearsal,
		     void (*story)(struct us_nt_user *user, void *context), void *context)
{
	tell(rule, rehearsal, story, context);
}

unsigned rig_line_of(const char *source, const char *name)
{
	FILE *file = fopen(source, "r");
	unsigned line = 0, found = 0;
	char text[256], wanted[80];

	assert_non_null(file);
	snprintf(wanted, sizeof(wanted), "/* here: %s */", name);
	while (fgets(text, sizeof(text), file)) {
		line++;
		if (strstr(text, wanted))
			found = line;
	}
	fclose(file);
	return found;
}
