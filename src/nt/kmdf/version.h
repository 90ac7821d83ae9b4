/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of the framework. A driver is built for one of them: its structures are as long as they were then, its
 * table has the functions that there were, and some functions do for it what they did then. It runs on this
 * framework, 1.15, as on every later one.
 *
 * Structures that a driver hands in begin with their Size, and grew at their end. us_wdf_take() is where all of them
 * come in: it copies the members that there were when the driver was built, and never reads on behind them, because
 * there the driver's memory ends. What the driver's version did not have yet keeps the value that the caller put there.
 */
#ifndef UNDERSTUDY_NT_KMDF_VERSION_H
#define UNDERSTUDY_NT_KMDF_VERSION_H

#include "nt/kmdf/object.h"

#define US_WDF_MINOR 15 /* this framework is 1.15 */

/* The minor version for which the bound driver was built; a bugcheck when none is bound. */
unsigned us_wdf_client(void);

/* How many functions the table of version 1.`minor` has; 0: there is no such version up to this one. */
ULONG us_wdf_function_count(unsigned minor);

/* The structures that grew since 1.0; all others begin with a Size that has always been the same. */
#define US_WDF_GREW(X)                                                                                                 \
	X(WDF_DRIVER_CONFIG)                                                                                           \
	X(WDF_OBJECT_CONTEXT_TYPE_INFO)                                                                                \
	X(WDF_PNPPOWER_EVENT_CALLBACKS)                                                                                \
	X(WDF_POWER_POLICY_EVENT_CALLBACKS)                                                                            \
	X(WDF_PDO_EVENT_CALLBACKS)                                                                                     \
	X(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS)                                                                       \
	X(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS)                                                                       \
	X(WDF_IO_QUEUE_CONFIG)                                                                                         \
	X(WDF_INTERRUPT_CONFIG)                                                                                        \
	X(WDF_INTERRUPT_INFO)                                                                                          \
	X(WDF_IO_TARGET_OPEN_PARAMS)                                                                                   \
	X(WDF_DMA_ENABLER_CONFIG)                                                                                      \
	X(WDF_TIMER_CONFIG)

#define US_WDF_NAME(type) US_##type,
enum us_wdf_structure { US_WDF_GREW(US_WDF_NAME) US_WDF_NEVER_GREW };

/* Which of them an object is. */
#define US_WDF_CASE(type)                                                                                              \
	type:                                                                                                          \
	US_##type,
#define US_WDF_STRUCTURE(object) _Generic((object), US_WDF_GREW(US_WDF_CASE) default : US_WDF_NEVER_GREW)

/*
 * Takes a driver's structure, `from`, into *to, whose own Size becomes this version's. False: its Size is none that the
 * structure had up to the driver's version (the caller answers STATUS_INFO_LENGTH_MISMATCH, or what is documented).
 */
#define us_wdf_take(to, from)                                                                                          \
	__extension__({                                                                                                \
		const __typeof__(*(to)) *us_from_ = (from);                                                            \
		us_wdf_take_structure((to), us_from_, sizeof(*(to)), US_WDF_STRUCTURE(*(to)));                         \
	})

/* The same where a function has no way to say so: a wrong size, or NULL, is a bugcheck. */
#define us_wdf_take_or_stop(to, from, function)                                                                        \
	do {                                                                                                           \
		us_wdf_need((from), function, "its structure");                                                        \
		if (!us_wdf_take((to), (from)))                                                                        \
			us_wdf_wrong_size((from), sizeof(*(to)), US_WDF_STRUCTURE(*(to)), function);                   \
	} while (0)

/* Whether a driver's structure has a right Size: for those that are read where they are, or written to. */
#define us_wdf_sized(from) (us_wdf_known_bytes(*(const ULONG *)(from), sizeof(*(from)), US_WDF_STRUCTURE(*(from))) != 0)

/*
 * How many bytes of a structure of this Size mean something to a driver of the bound one's version; 0: the Size is
 * wrong. `newest` is the structure's size in this version.
 */
size_t us_wdf_known_bytes(size_t size, size_t newest, enum us_wdf_structure structure);

/* Of the macros above. */
bool us_wdf_take_structure(void *to, const void *from, size_t newest, enum us_wdf_structure structure);
_Noreturn void us_wdf_wrong_size(const void *from, size_t newest, enum us_wdf_structure structure,
				 const char *function);

#endif
