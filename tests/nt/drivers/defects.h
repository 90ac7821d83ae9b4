/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with the driver defects.sys: each defect is a control code. For the driver, and for the test that counts on
 * what becomes of it.
 */
#ifndef TESTS_NT_DEFECTS_H
#define TESTS_NT_DEFECTS_H

#define DEFECTS(X)                                                                                                     \
	X(null_pointer)                                                                                                \
	X(null_function)                                                                                               \
	X(garbage_function)                                                                                            \
	X(no_address)                                                                                                  \
	X(pool_overrun)                                                                                                \
	X(pool_overrun_by_pages)                                                                                       \
	X(use_after_free)                                                                                              \
	X(freed_twice)                                                                                                 \
	X(divide_by_zero)                                                                                              \
	X(illegal_instruction)                                                                                         \
	X(privileged_instruction)                                                                                      \
	X(breakpoint)                                                                                                  \
	X(fast_fail)                                                                                                   \
	X(stack_overflow)                                                                                              \
	X(stack_overflow_in_call)                                                                                      \
	X(loop)                                                                                                        \
	X(loop_with_calls)                                                                                             \
	X(event_never_set)                                                                                             \
	X(two_locks)                                                                                                   \
	X(spin_lock_kept)                                                                                              \
	X(spin_lock_twice)                                                                                             \
	X(irql_kept)                                                                                                   \
	X(wait_at_dispatch)                                                                                            \
	X(passive_call_at_dispatch)                                                                                    \
	X(completed_twice)                                                                                             \
	X(never_completed)                                                                                             \
	X(touched_after_completion)                                                                                    \
	X(wrong_handle)                                                                                                \
	X(no_handle)                                                                                                   \
	X(not_on_the_stage)                                                                                            \
	X(own_bugcheck)                                                                                                \
	X(own_assertion)                                                                                               \
	X(own_breakpoint)                                                                                              \
	X(behind_registers)                                                                                            \
	X(registers_unmapped)                                                                                          \
	X(mapping_kept)                                                                                                \
	X(pool_kept)                                                                                                   \
	X(timer_kept)                                                                                                  \
	X(dpc_kept)                                                                                                    \
	X(thread_kept)                                                                                                 \
	X(work_item_kept)

#define DEFECT_NUMBER(name) DEFECT_##name,
enum defect { DEFECTS(DEFECT_NUMBER) DEFECT_COUNT };

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + defect, METHOD_BUFFERED, FILE_ANY_ACCESS) */
#define DEFECT_CODE(defect) (0x22u << 16 | (0x800u + (defect)) << 2)

#endif
