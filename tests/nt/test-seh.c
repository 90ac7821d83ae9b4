/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured exception handling of a compiled driver: what its filters see, what runs in which order, where it goes on;
 * and what ends the run all the same. usage: test-nt-seh seh.sys seh.c
 */
#include "rig.h"

#include <stdlib.h>
#include <unistd.h>

#include "drivers/seh.h"
#include "nt/imports.h"
#include "nt/pe-private.h"

#define SEEDS 10

static const char *driver, *source;

/* Addresses of which the story knows no more than what they are. */
enum address {
	ADDRESS_GOOD, /* a buffer of the application */
	ADDRESS_UNALIGNED,
	ADDRESS_END, /* its last byte: what is longer runs over the end */
	ADDRESS_GONE, /* one that was freed */
	ADDRESS_NULL,
	ADDRESS_SYSTEM,
	ADDRESS_WRAPS, /* behind which there is not that much */
};

struct expectation {
	enum seh_act act;
	enum address address;
	uint64_t size, alignment;
	const char *log;
	int32_t code; /* what the filter saw; 0: it is not looked at */
	unsigned parameters;
	uint64_t information[2]; /* the second counts from the address that was handed in */
	bool continuable;
};

#define GONE STATUS_ACCESS_VIOLATION, 2
static const struct expectation expectations[] = {
	/* what an application's address can be */
	{SEH_read_byte, ADDRESS_GOOD, .log = "n"},
	{SEH_read_byte, ADDRESS_GONE, 0, 0, "fh", GONE, {0, 0}, true},
	{SEH_read_byte, ADDRESS_NULL, 0, 0, "fh", GONE, {0, 0}, true},
	{SEH_write_byte, ADDRESS_GOOD, .log = "n"},
	{SEH_write_byte, ADDRESS_GONE, 0, 0, "fh", GONE, {1, 0}, true},
	{SEH_copy_from, ADDRESS_GOOD, 64, 0, .log = "n"},
	{SEH_copy_from, ADDRESS_GONE, 64, 0, "fh", GONE, {0, 0}, true},
	{SEH_copy_from, ADDRESS_END, 64, 0, "fh", GONE, {0, 1}, true},
	{SEH_copy_to, ADDRESS_GOOD, 64, 0, .log = "n"},
	{SEH_copy_to, ADDRESS_END, 64, 0, "fh", GONE, {1, 1}, true},
	{SEH_string_from, ADDRESS_GONE, 0, 0, "fh", GONE, {0, 0}, true},
	{SEH_probe_read, ADDRESS_GOOD, 4096, 1, .log = "n"},
	{SEH_probe_read, ADDRESS_GONE, 4096, 1, .log = "n"}, /* whether there is anything is not looked at */
	{SEH_probe_read, ADDRESS_SYSTEM, 0, 1, .log = "n"}, /* nor anything at all of no bytes */
	{SEH_probe_read, ADDRESS_SYSTEM, 1, 1, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_probe_read, ADDRESS_GOOD, UINT64_C(0x1000000000), 1, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_probe_read, ADDRESS_WRAPS, 64, 1, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_probe_read, ADDRESS_UNALIGNED, 8, 4, "fh", STATUS_DATATYPE_MISALIGNMENT},
	{SEH_probe_read, ADDRESS_UNALIGNED, 8, 1, .log = "n"},
	{SEH_probe_write, ADDRESS_GOOD, 4096, 4, .log = "n"},
	{SEH_probe_write, ADDRESS_GONE, 1, 1, "fh", GONE, {0, 0}, true},
	{SEH_probe_write, ADDRESS_END, 4097, 1, "fh", GONE, {0, 1}, true},
	{SEH_probe_write, ADDRESS_UNALIGNED, 8, 2, "fh", STATUS_DATATYPE_MISALIGNMENT},
	{SEH_probe_write, ADDRESS_SYSTEM, 8, 1, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_lock_pages, ADDRESS_GOOD, 4096, 0, .log = "n"},
	{SEH_lock_pages, ADDRESS_GONE, 4096, 0, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_lock_pages, ADDRESS_END, 4096, 0, "fh", STATUS_ACCESS_VIOLATION},
	{SEH_lock_pages, ADDRESS_SYSTEM, 8, 0, "fh", STATUS_ACCESS_VIOLATION},

	/* what raises */
	{SEH_raise_status, .log = "fh", .code = STATUS_DEVICE_BUSY},
	{SEH_divide_by_zero, .log = "fh", .code = STATUS_INTEGER_DIVIDE_BY_ZERO, .continuable = true},
	{SEH_divide_too_much, .log = "fh", .code = STATUS_INTEGER_OVERFLOW, .continuable = true},
	{SEH_break_here, .log = "fh", .code = STATUS_BREAKPOINT, .parameters = 1, .continuable = true},
	{SEH_call_break, .log = "fh", .code = STATUS_BREAKPOINT, .parameters = 1, .continuable = true},
	{SEH_illegal, .log = "fh", .code = STATUS_ILLEGAL_INSTRUCTION, .continuable = true},
	{SEH_assert_here, .log = "fh", .code = STATUS_ASSERTION_FAILURE, .continuable = true},
	{SEH_no_address, .log = "fh", .code = STATUS_ACCESS_VIOLATION, .parameters = 2, .information = {0, UINT64_MAX},
	 .continuable = true},
	{SEH_jump_to_nothing, .log = "fh", .code = STATUS_ACCESS_VIOLATION, .parameters = 2, .information = {8, 0x1230},
	 .continuable = true},
	{SEH_release_unowned, .log = "fh", .code = STATUS_MUTANT_NOT_OWNED},

	/* who handles it, and in which order */
	{SEH_filter_by_code, .log = "bcd"},
	{SEH_search_on, .log = "1234de"},
	{SEH_finally_order, .log = "fabcdhe"},
	{SEH_finally_normally, .log = "-!nr1"},
	{SEH_finally_around, .log = "fahez"},
	{SEH_raise_in_filter, .log = "123h"},
	{SEH_raise_in_filter_unhandled_there, .log = "112h", .code = STATUS_DEVICE_NOT_READY},
	{SEH_raise_in_finally, .log = "f1fg2h"},
	{SEH_raise_in_handler, .log = "1fh", .code = STATUS_DEVICE_NOT_READY},
	{SEH_many, .log = "y"},
	{SEH_in_callback, .log = "n"},

	/* registers */
	{SEH_deep, ADDRESS_GONE, .log = "fh============================"},
	{SEH_deep_through_gate, .log = "fh============================"},
	{SEH_deep_in_call, ADDRESS_GONE, .log = "fh============================"},
	{SEH_go_on, ADDRESS_GONE, .log = "my"},
	{SEH_go_on_with_vector, ADDRESS_GONE, .log = "my"},
	{SEH_go_on_behind_raise, .log = "my", .code = 0x20001234, .parameters = 2, .information = {5, 6},
	 .continuable = true},

	/* IRQL, locks, frames */
	{SEH_lock_in_finally, .log = "flhp", .code = STATUS_INTEGER_DIVIDE_BY_ZERO, .continuable = true},
	{SEH_divide_at_dispatch, .log = "fhd", .code = STATUS_INTEGER_DIVIDE_BY_ZERO, .continuable = true},
	{SEH_walk_frames, .log = "cwww"},
	{SEH_unwind_by_hand, .log = "fyaz"},
};

/* How a run ends. */
struct fate {
	enum seh_act act;
	enum address address;
	const char *rule;
	uint32_t code;
	uint64_t first; /* the bugcheck's first parameter; 0: it is not looked at */
	const char *place; /* whose line the report names: "here: PLACE" */
	const char *function; /* the frame that it names, too */
};

static const struct fate fates[] = {
	{SEH_not_handled, ADDRESS_GONE, "memory.access", 0x3B, 0xC0000005, "not_handled", "load"},
	{SEH_not_handled_in_gate, 0, "driver.exception", 0x3B, 0x80000011, "not_handled_in_gate", "raise"},
	{SEH_not_handled_in_dpc, 0, "divide", 0x1E, 0xC0000094, "not_handled_in_dpc", "divide"},
	{SEH_crash_in_filter, 0, "pool.bad-free", 0xC2, 0, "crash_in_filter", "raise"}, /* what it was called for */
	{SEH_out_of_callback, 0, "driver.exception", 0x3B, 0x80000011, "raise", "cleanup_raises"},
	{SEH_go_on_behind_status, 0, "exception.not-continuable", 0x1E, 0xC0000025, "raise", "go_on_behind_status"},
	{SEH_system_address, 0, "memory.access", 0x50, 0, "load", "system_address"},
	{SEH_system_address_in_call, 0, "memory.access", 0x50, 0, NULL, "system_address_in_call"},
	{SEH_page_fault_at_dispatch, ADDRESS_GONE, "memory.access", 0xD1, 0, "load", "page_fault_at_dispatch"},
	{SEH_copy_at_dispatch, ADDRESS_GONE, "memory.access", 0xD1, 0, NULL, "copy_at_dispatch"},
};

/* -- the stories -------------------------------------------------------------------------------------------------- */

static const char *const names[] = {
#define NAME(name) #name,
	SEH_ACTS(NAME)};

/* Of as many pages as no request has: addresses that are freed are the next buffer's of that size. */
enum { BUFFER = 7 * US_NT_PAGE };

static uint64_t address_of(struct us_nt_user *user, enum address kind)
{
	uint8_t *buffer = us_nt_buffer(user, BUFFER, 0);

	switch (kind) {
	case ADDRESS_GOOD:
		return (uintptr_t)buffer;
	case ADDRESS_UNALIGNED:
		return (uintptr_t)buffer + 1;
	case ADDRESS_END:
		return (uintptr_t)buffer + BUFFER - 1;
	case ADDRESS_GONE:
		us_nt_buffer_free(user, buffer);
		return (uintptr_t)buffer;
	case ADDRESS_NULL:
		return 8;
	case ADDRESS_SYSTEM:
		return US_NT_BASE + US_WINDOW_POOL * US_NT_WINDOW_SIZE + 0x10000;
	case ADDRESS_WRAPS:
		break;
	}
	return UINT64_MAX - 3;
}

static us_nt_handle come_in(struct us_nt_user *user)
{
	us_nt_status status;
	us_nt_handle file;

	us_nt_expect_status(user, us_nt_plug_in(user), 0);
	file = us_nt_open(user, US_NT_READ | US_NT_WRITE, &status);
	us_nt_expect_status(user, status, 0);
	return file;
}

static void act(struct us_nt_user *user, us_nt_handle file, enum seh_act which, const struct seh_in *in,
		struct seh_out *out)
{
	uint64_t returned = 0;

	us_nt_expect_status(
		user, us_nt_control(user, file, SEH_CODE(which), in, sizeof(*in), out, sizeof(*out), &returned), 0);
	us_nt_expect(user, returned == sizeof(*out));
}

static void look_at_record(struct us_nt_user *user, const struct expectation *e, const struct seh_in *in,
			   const struct seh_out *out)
{
	us_nt_expect_status(user, out->code, e->code);
	/* EXCEPTION_NONCONTINUABLE, and EXCEPTION_NESTED_CALL in the frame whose filter has raised it */
	us_nt_expect(user, out->flags == (unsigned)!e->continuable +
						 (e->act == SEH_raise_in_filter_unhandled_there ? 0x10 : 0));
	us_nt_expect(user, out->parameters == e->parameters);
	us_nt_expect(user, e->parameters == 0 || out->information[0] == e->information[0]);
	us_nt_expect(user, e->parameters < 2 || out->information[1] == in->address + e->information[1] ||
				   (!in->address && out->information[1] == e->information[1]));
	/* in the driver's code; of a jump to nothing, there */
	us_nt_expect(user, out->address - 0x1000 < 0x10000 || e->act == SEH_jump_to_nothing);
}

static void as_expected(struct us_nt_user *user, void *context)
{
	const struct expectation *e = context;
	us_nt_handle file = come_in(user);

	for (unsigned again = 0; again < 2; again++) {
		struct seh_in in = {e->address || e->size || e->act < SEH_read_until_gone ? address_of(user, e->address)
											  : 0,
				    e->size, e->alignment};
		struct seh_out out = {0};

		act(user, file, e->act, &in, &out);
		if (strcmp(out.log, e->log))
			us_nt_fail(user, "%s: the driver notes \"%s\", expected \"%s\"", names[e->act], out.log,
				   e->log);
		if (e->code)
			look_at_record(user, e, &in, &out);
	}
}

static void to_the_end(struct us_nt_user *user, void *context)
{
	const struct fate *fate = context;
	us_nt_handle file = come_in(user);
	struct seh_in in = {address_of(user, fate->address), 0, 0};
	struct seh_out out;

	act(user, file, fate->act, &in, &out);
}

/* -- the tests ---------------------------------------------------------------------------------------------------- */

static void every_exception_is_handled_where_the_driver_says(void **state)
{
	struct us_rehearsal r = {.driver = driver, .model = "adder"};

	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(*expectations); i++)
		for (r.seed = 1; r.seed <= SEEDS; r.seed++)
			rig_tell(&r, as_expected, (void *)(uintptr_t)&expectations[i]);
}

static bool is_told(const struct us_rehearsal_report *report, const struct fate *fate)
{
	unsigned place = fate->place ? rig_line_of(source, fate->place) : 0;
	char line[64], function[64];

	assert_true(place || !fate->place);
	snprintf(function, sizeof(function), " %s at ", fate->function);
	snprintf(line, sizeof(line), "seh.c:%u\n", place);
	return report->outcome == US_NT_BUGCHECK && !strcmp(report->rule, fate->rule) && report->code == fate->code &&
	       (!fate->first || report->parameters[0] == fate->first) && strstr(report->details, function) &&
	       (!fate->place || strstr(report->details, line));
}

static void what_nobody_handles_ends_the_run_with_its_stack(void **state)
{
	struct us_rehearsal r = {.driver = driver, .model = "adder", .target = "model"};

	(void)state;
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		for (r.seed = 1; r.seed <= 3; r.seed++) {
			struct us_rehearsal_report report = {0};
			struct us_error err;

			if (us_rehearse(&r, to_the_end, (void *)(uintptr_t)&fates[i], &report, &err))
				fail_msg("%s", err.text);
			if (!is_told(&report, &fates[i]) || getenv("SEH_SHOW"))
				fprintf(stderr, "-- %s\n%s\n", names[fates[i].act], report.details);
			if (!is_told(&report, &fates[i]))
				fail_msg("%s: %s [%s] %#x: %s", names[fates[i].act], us_nt_outcome_name(report.outcome),
					 report.rule, report.code, report.text);
			us_rehearsal_free(&report);
		}
}

struct reading {
	us_nt_handle file;
	void *buffer;
};

static void free_it(struct us_nt_user *user, void *context)
{
	struct reading *reading = context;

	us_nt_advance(user, us_nt_chance(user, 3000));
	us_nt_buffer_free(user, reading->buffer);
}

static void a_buffer_goes(struct us_nt_user *user, void *context)
{
	struct reading reading = {come_in(user), us_nt_buffer(user, BUFFER, 0)};
	struct us_nt_thread *thread = us_nt_thread(user, free_it, &reading);
	struct seh_in in = {(uintptr_t)reading.buffer, 0, 0};
	struct seh_out out = {0};

	(void)context;
	act(user, reading.file, SEH_read_until_gone, &in, &out);
	us_nt_join(user, thread);
	us_nt_expect(user,
		     !strcmp(out.log, "fh") && out.code == STATUS_ACCESS_VIOLATION && out.information[1] == in.address);
}

static void a_buffer_that_an_application_frees_meanwhile_is_an_exception(void **state)
{
	struct us_rehearsal r = {.driver = driver, .model = "adder"};

	(void)state;
	for (r.seed = 1; r.seed <= RIG_SEEDS; r.seed++) {
		r.cpus = 1 + r.seed % 4;
		rig_tell(&r, a_buffer_goes, NULL);
	}
}

static void want_of_pool(struct us_nt_user *user, void *context)
{
	us_nt_handle file = come_in(user);
	struct seh_in in = {0};
	struct seh_out out = {0};

	(void)context;
	act(user, file, SEH_no_pool, &in, &out);
	us_nt_expect(user, !strcmp(out.log, "fh") && out.code == STATUS_INSUFFICIENT_RESOURCES && out.flags == 1);
	act(user, file, SEH_no_pool, &in, &out);
	us_nt_expect(user, !strcmp(out.log, "n"));
}

static void an_allocation_that_is_made_to_fail_raises_where_the_driver_wants_it(void **state)
{
	const struct us_rehearsal r = {
		.driver = driver, .model = "adder", .fail_nth = 1, .fail_name = "ExAllocatePoolWithQuotaTag"};

	(void)state;
	rig_tell(&r, want_of_pool, NULL);
}

/* -- the same trace ----------------------------------------------------------------------------------------------- */

static char *trace_of(uint64_t seed, size_t *size)
{
	char *bytes = NULL;
	FILE *trace = open_memstream(&bytes, size);
	const struct us_rehearsal r = {.driver = driver, .model = "adder", .seed = seed, .trace = trace};

	assert_non_null(trace);
	rig_tell(&r, a_buffer_goes, NULL);
	fclose(trace);
	return bytes;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
	size_t size, again_size;
	char *first, *again;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		first = trace_of(seed, &size);
		again = trace_of(seed, &again_size);
		assert_int_equal(size, again_size);
		assert_memory_equal(first, again, size);
		assert_non_null(strstr(first, "| exception 0xC0000005 is raised in seh.sys+0x"));
		assert_non_null(strstr(first, "| exception is handled; the driver goes on in seh.sys+0x"));
		free(first);
		free(again);
	}
}

/* -- tables that are nonsense ------------------------------------------------------------------------------------- */

/* What a function with a handler says of itself: where its unwind information and its table of __try blocks are. */
struct victim {
	uint8_t *entry, *info, *handler, *table;
};

static void count_too_many(const struct victim *v)
{
	memset(v->table, 0xff, 4);
}

static void count_past_the_end(const struct victim *v)
{
	memcpy(v->table, &(uint32_t){0x10000}, 4);
}

static void handler_outside(const struct victim *v)
{
	memset(v->handler, 0xf8, 4);
}

static void version_unknown(const struct victim *v)
{
	v->info[0] |= 7;
}

static void codes_unknown(const struct victim *v)
{
	for (unsigned i = 0; i < v->info[2]; i++)
		v->info[4 + 2 * i + 1] = 0x0b;
}

static void own_parent(const struct victim *v)
{
	v->info[0] = 1 | 4 << 3;
	memcpy(v->handler, v->entry, 12);
}

static void information_outside(const struct victim *v)
{
	memset(v->entry + 8, 0xff, 4);
}

static void filter_outside(const struct victim *v)
{
	memcpy(v->table + 4 + 8, &(uint32_t){0x7ffffff0}, 4);
}

static const struct {
	void (*damage)(const struct victim *victim);
	const char *rule;
	uint32_t code;
} damages[] = {
	{count_too_many, "exception.table", 0x1E},    {count_past_the_end, "exception.table", 0x1E},
	{handler_outside, "memory.access", 0x3B},     {version_unknown, "memory.access", 0x3B},
	{codes_unknown, "memory.access", 0x3B},       {own_parent, "memory.access", 0x3B},
	{information_outside, "memory.access", 0x3B}, {filter_outside, "memory.access", 0x50},
};

static uint8_t *at_rva(uint8_t *file, uint32_t rva)
{
	const uint8_t *pe = file + us_get32(file + 60), *section = pe + 24 + us_get16(pe + 20);

	for (unsigned i = us_get16(pe + 6); i; i--, section += 40)
		if (rva - us_get32(section + 12) < us_get32(section + 16))
			return file + us_get32(section + 20) + (rva - us_get32(section + 12));
	fail_msg("nothing is at 0x%x of the driver", rva);
	return NULL;
}

static void damage_all(uint8_t *file, void (*damage)(const struct victim *victim))
{
	uint8_t *optional = file + us_get32(file + 60) + 24, *table;
	unsigned damaged = 0;

	memset(optional + 64, 0, 4); /* no checksum */
	table = at_rva(file, us_get32(optional + 112 + 8 * 3));
	for (uint32_t i = 0; i < us_get32(optional + 112 + 8 * 3 + 4) / 12; i++) {
		struct victim v = {table + 12 * i, at_rva(file, us_get32(table + 12 * i + 8)), NULL, NULL};

		if (v.info[0] >> 3 != 1 && v.info[0] >> 3 != 3)
			continue;
		v.handler = v.info + 4 + 2 * ((v.info[2] + 1) & ~1);
		v.table = v.handler + 4;
		damage(&v);
		damaged++;
	}
	assert_true(damaged > 20);
}

/* A copy of the driver with the damage, in a file that is removed by the caller. */
static void make_damaged(char *path, void (*damage)(const struct victim *victim))
{
	FILE *from = fopen(driver, "r"), *to;
	static uint8_t bytes[1 << 20];
	size_t size;
	int fd = mkstemp(path);

	assert_non_null(from);
	size = fread(bytes, 1, sizeof(bytes), from);
	assert_true(feof(from) && size > 0x1000);
	fclose(from);
	damage_all(bytes, damage);
	to = fdopen(fd, "w");
	assert_non_null(to);
	assert_int_equal(fwrite(bytes, 1, size, to), size);
	fclose(to);
}

static void tables_that_are_nonsense_end_the_run_and_no_more(void **state)
{
	const struct fate reads = {SEH_read_byte, ADDRESS_GONE, NULL, 0, 0, NULL, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		char path[] = "/tmp/test-nt-seh-XXXXXX";
		const struct us_rehearsal r = {.driver = path, .model = "adder"};
		struct us_rehearsal_report report = {0};
		struct us_error err;

		make_damaged(path, damages[i].damage);
		if (us_rehearse(&r, to_the_end, (void *)(uintptr_t)&reads, &report, &err))
			fail_msg("damage %zu: %s", i, err.text);
		unlink(path);
		if (strcmp(report.rule, damages[i].rule) || report.code != damages[i].code)
			fail_msg("damage %zu: %s [%s] %#x: %s", i, us_nt_outcome_name(report.outcome), report.rule,
				 report.code, report.text);
		us_rehearsal_free(&report);
	}
}

static void all_that_it_takes_is_listed_as_there(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct us_error err;

	(void)state;
	assert_non_null(to);
	assert_int_equal(us_nt_list_imports(driver, to, &err), 0);
	fclose(to);
	assert_non_null(strstr(text, "  ok       ntoskrnl.exe!__C_specific_handler\n"));
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_exception_is_handled_where_the_driver_says),
		cmocka_unit_test(what_nobody_handles_ends_the_run_with_its_stack),
		cmocka_unit_test(a_buffer_that_an_application_frees_meanwhile_is_an_exception),
		cmocka_unit_test(an_allocation_that_is_made_to_fail_raises_where_the_driver_wants_it),
		cmocka_unit_test(the_same_seed_gives_the_same_trace),
		cmocka_unit_test(tables_that_are_nonsense_end_the_run_and_no_more),
		cmocka_unit_test(all_that_it_takes_is_listed_as_there),
	};

	if (argc < 3)
		return 2;
	driver = argv[1];
	source = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
