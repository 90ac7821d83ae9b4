/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver seh.sys can be told to do: each is a control code. For the driver, and for the test that tells it. */
#ifndef TESTS_NT_SEH_H
#define TESTS_NT_SEH_H

#define SEH_ACTS(X)                                                                                                    \
	X(read_byte)                                                                                                   \
	X(write_byte)                                                                                                  \
	X(copy_from)                                                                                                   \
	X(copy_to)                                                                                                     \
	X(string_from)                                                                                                 \
	X(read_until_gone)                                                                                             \
	X(probe_read)                                                                                                  \
	X(probe_write)                                                                                                 \
	X(lock_pages)                                                                                                  \
	X(no_pool)                                                                                                     \
	X(raise_status)                                                                                                \
	X(divide_by_zero)                                                                                              \
	X(divide_too_much)                                                                                             \
	X(break_here)                                                                                                  \
	X(call_break)                                                                                                  \
	X(illegal)                                                                                                     \
	X(assert_here)                                                                                                 \
	X(no_address)                                                                                                  \
	X(jump_to_nothing)                                                                                             \
	X(release_unowned)                                                                                             \
	X(filter_by_code)                                                                                              \
	X(search_on)                                                                                                   \
	X(finally_order)                                                                                               \
	X(finally_normally)                                                                                            \
	X(finally_around)                                                                                              \
	X(deep)                                                                                                        \
	X(deep_through_gate)                                                                                           \
	X(deep_in_call)                                                                                                \
	X(go_on)                                                                                                       \
	X(go_on_with_vector)                                                                                           \
	X(go_on_behind_raise)                                                                                          \
	X(raise_in_filter)                                                                                             \
	X(raise_in_filter_unhandled_there)                                                                             \
	X(raise_in_finally)                                                                                            \
	X(raise_in_handler)                                                                                            \
	X(lock_in_finally)                                                                                             \
	X(divide_at_dispatch)                                                                                          \
	X(walk_frames)                                                                                                 \
	X(unwind_by_hand)                                                                                              \
	X(many)                                                                                                        \
	X(in_callback)                                                                                                 \
	X(go_on_behind_status)                                                                                         \
	X(not_handled)                                                                                                 \
	X(not_handled_in_gate)                                                                                         \
	X(not_handled_in_dpc)                                                                                          \
	X(crash_in_filter)                                                                                             \
	X(out_of_callback)                                                                                             \
	X(system_address)                                                                                              \
	X(system_address_in_call)                                                                                      \
	X(page_fault_at_dispatch)                                                                                      \
	X(copy_at_dispatch)

#define SEH_NUMBER(name) SEH_##name,
enum seh_act { SEH_ACTS(SEH_NUMBER) SEH_COUNT };

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + act, METHOD_BUFFERED, FILE_ANY_ACCESS) */
#define SEH_CODE(act) (0x22u << 16 | (0x800u + (act)) << 2)

struct seh_in {
	unsigned long long address, size, alignment;
};

struct seh_out {
	int code; /* of the exception that was handled, or 0 */
	unsigned flags, parameters;
	unsigned long long information[2];
	unsigned long long address; /* of the exception, below the image's base */
	char log[80]; /* what ran, in order */
};

#endif
