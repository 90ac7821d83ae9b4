/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the framework: a KMDF driver that is compiled along with the test, entered by the stub of the Windows
 * drivers. The test defines DriverEntry. What happens it says with happened(), and the test compares the whole of it.
 */
#ifndef TESTS_NT_KMDF_DRIVER_H
#define TESTS_NT_KMDF_DRIVER_H

#include "rig.h"

#include <stdio.h>

#include "../../drivers/windows/lib/entry.c"

/* The loader's two functions, as an import table would have them: gates. */
NTSTATUS NTAPI WdfVersionBind(PDRIVER_OBJECT driver, PUNICODE_STRING path, struct wdf_bind_info *info, PVOID *globals)
{
	__typeof__(&WdfVersionBind) gate =
		(__typeof__(gate))(uintptr_t)us_nt_gate(us_nt_find_export("wdfldr.sys", "WdfVersionBind"));

	return gate(driver, path, info, globals);
}

NTSTATUS NTAPI WdfVersionUnbind(PUNICODE_STRING path, struct wdf_bind_info *info, PVOID globals)
{
	__typeof__(&WdfVersionUnbind) gate =
		(__typeof__(gate))(uintptr_t)us_nt_gate(us_nt_find_export("wdfldr.sys", "WdfVersionUnbind"));

	return gate(path, info, globals);
}

static char story_of_it[4096];

__attribute__((format(printf, 1, 2), unused)) static void happened(const char *format, ...)
{
	size_t at = strlen(story_of_it);
	va_list args;

	if (at)
		at += (size_t)snprintf(story_of_it + at, sizeof(story_of_it) - at, " ");
	va_start(args, format);
	vsnprintf(story_of_it + at, sizeof(story_of_it) - at, format, args);
	va_end(args);
}

__attribute__((unused)) static void forget(void)
{
	story_of_it[0] = 0;
}

/* In a body or a story: just this has happened since it was last forgotten. */
#define expect_happened(text)                                                                                          \
	do {                                                                                                           \
		if (strcmp(story_of_it, text) != 0)                                                                    \
			us_nt_stop(US_NT_EXPECTATION, "", "%s:%d: expected \"%s\", got \"%s\"", __FILE__, __LINE__,    \
				   text, story_of_it);                                                                 \
		forget();                                                                                              \
	} while (0)

/* Runs a body while a driver without devices is loaded, whose DriverEntry is the test's. */
struct wdf_body {
	void (*run)(void);
};

__attribute__((unused)) static void wdf_main(void *context)
{
	struct wdf_body *body = context;
	PDRIVER_OBJECT driver;

	forget();
	rig_expect(us_nt_io_load("test", FxDriverEntry, &driver) == STATUS_SUCCESS);
	body->run();
	us_nt_io_unload(driver);
}

__attribute__((unused)) static void wdf_run(void (*run)(void))
{
	rig_run_seeds(5, wdf_main, &(struct wdf_body){run});
}

__attribute__((unused)) static void wdf_run_breaks(const char *rule, void (*run)(void))
{
	rig_run_breaks(rule, wdf_main, &(struct wdf_body){run});
}

#endif
