/* SPDX-License-Identifier: Apache-2.0 */
/* Traps: registers of a device behind addresses, accessed by every kind of instruction that drivers use for it. */
#include "rig.h"

#include <adder.h>

#include "nt/clock.h"
#include "nt/trap.h"

/* -- the adder: A at 0, B at 4, SUM at 8 … by their names of adder.h ---------------------------------------------- */

static void loads_and_stores(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);
	volatile uint32_t *a = (void *)(bar + ADDER_A), *b = (void *)(bar + ADDER_B), *sum = (void *)(bar + ADDER_SUM);
	uint64_t registers = us_nt->registers;

	(void)context;
	*a = 2;
	*b = 3;
	rig_expect(*a == 2 && *b == 3);
	us_nt_point(10000);
	rig_expect(*sum == 5);
	rig_expect(us_nt->registers == registers + 5);
	us_nt_trap_unmap(bar, 4096);
}

static void registers_are_loaded_and_stored(void **state)
{
	(void)state;
	rig_run_seeds(RIG_SEEDS, loads_and_stores, NULL);
}

/* Each instruction with a memory operand in register A, whose value before and behind it is known. */
#define INSTRUCTION(before, text, in, expected_memory, expected_register)                                              \
	do {                                                                                                           \
		uint64_t rax_ = (in);                                                                                  \
		us_nt_register_write(0, ADDER_A, 4, before);                                                           \
		__asm__ volatile(text : "+a"(rax_) : "S"(bar + ADDER_A) : "memory", "cc");                             \
		rig_expect(us_nt_register_read(0, ADDER_A, 4) == (uint32_t)(expected_memory));                         \
		rig_expect(rax_ == (uint64_t)(expected_register));                                                     \
	} while (0)

static void instructions(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);

	(void)context;
	INSTRUCTION(0x81828384, "movl (%1), %%eax", UINT64_MAX, 0x81828384, 0x81828384u);
	INSTRUCTION(0x81828384, "movw (%1), %%ax", UINT64_MAX, 0x81828384, 0xffffffffffff8384);
	INSTRUCTION(0x81828384, "movb 1(%1), %%al", UINT64_MAX, 0x81828384, 0xffffffffffffff83);
	INSTRUCTION(0x81828384, "movb 1(%1), %%ah", UINT64_MAX, 0x81828384, 0xffffffffffff83ff);
	INSTRUCTION(0x81828384, "movzbl 2(%1), %%eax", UINT64_MAX, 0x81828384, 0x82);
	INSTRUCTION(0x81828384, "movsbq 2(%1), %%rax", 0, 0x81828384, 0xffffffffffffff82);
	INSTRUCTION(0x81828384, "movswl 2(%1), %%eax", 0, 0x81828384, 0xffff8182u);
	INSTRUCTION(0x81828384, "movslq (%1), %%rax", 0, 0x81828384, 0xffffffff81828384);
	INSTRUCTION(0x11111111, "movb %%al, 3(%1)", 0x77, 0x77111111, 0x77);
	INSTRUCTION(0x11111111, "movw %%ax, 2(%1)", 0x7766, 0x77661111, 0x7766);
	INSTRUCTION(0x11111111, "movl $0x12345678, (%1)", 1, 0x12345678, 1);
	INSTRUCTION(0xff00ff00, "andl %%eax, (%1)", 0x0ff00ff0, 0x0f000f00, 0x0ff00ff0);
	INSTRUCTION(0xff00ff00, "orl $1, (%1)", 0, 0xff00ff01, 0);
	INSTRUCTION(0xff00ff00, "xorl %%eax, (%1)", 0xffffffffu, 0x00ff00ff, 0xffffffffu);
	INSTRUCTION(0xff00ff00, "xchgl %%eax, (%1)", 5, 5, 0xff00ff00u);
	INSTRUCTION(41, "incl (%1)", 0, 42, 0);
	INSTRUCTION(41, "addl %%eax, (%1)", 2, 43, 2);
	INSTRUCTION(41, "addl (%1), %%eax", 2, 41, 43);
	INSTRUCTION(41, "subl (%1), %%eax", 2, 41, 0xffffffd9u);
	INSTRUCTION(41, "notl (%1)", 0, ~41u, 0);
	INSTRUCTION(41, "xorl %%eax, %%eax; cmpl $41, (%1); sete %%al", 7, 41, 1);
	INSTRUCTION(41, "xorl %%eax, %%eax; cmpl $42, (%1); setb %%al", 7, 41, 1);
	INSTRUCTION(0x80000000, "xorl %%eax, %%eax; cmpl $1, (%1); setg %%al", 7, 0x80000000, 0);
	INSTRUCTION(0x80, "xorl %%eax, %%eax; testl $0x80, (%1); setne %%al", 7, 0x80, 1);
	INSTRUCTION(0x80, "xorl %%eax, %%eax; btl $7, (%1); setc %%al", 7, 0x80, 1);
	us_nt_trap_unmap(bar, 4096);
}

static void every_instruction_does_what_the_processor_does(void **state)
{
	(void)state;
	rig_run(NULL, instructions, NULL);
}

/* A and B are neighbours: rep movs and the vector moves take both. */
static void strings(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);
	uint32_t data[2] = {0x11112222, 0x33334444}, got[2] = {0};
	const void *from = data;
	void *to = bar + ADDER_A;
	uint64_t n = 2;

	(void)context;
	__asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	rig_expect(n == 0 && from == data + 2 && to == bar + ADDER_A + 8);
	from = bar + ADDER_A;
	to = got;
	n = 2;
	__asm__ volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	rig_expect(memcmp(data, got, sizeof(data)) == 0);
	__asm__ volatile("movq (%1), %%xmm3; movq %%xmm3, (%0)" : : "r"(got), "r"(data + 0) : "xmm3", "memory");
	__asm__ volatile("movq (%0), %%xmm3; movq %%xmm3, (%1)" : : "r"(bar + ADDER_A), "r"(got) : "xmm3", "memory");
	rig_expect(memcmp(data, got, sizeof(data)) == 0);
	us_nt_trap_unmap(bar, 4096);
}

static void strings_and_vectors_are_carried_out_piece_by_piece(void **state)
{
	(void)state;
	rig_run(NULL, strings, NULL);
}

/* -- the shared user page ----------------------------------------------------------------------------------------- */

/* The address sanitizer has no shadow of addresses of the kernel. */
#define UNWATCHED __attribute__((no_sanitize("address")))

UNWATCHED static void shared_page(void *context)
{
	volatile const uint64_t *interrupt_time = (const void *)(uintptr_t)UINT64_C(0xFFFFF78000000008);
	volatile const uint32_t *high2 = (const void *)(uintptr_t)UINT64_C(0xFFFFF78000000010);
	uint64_t first = *interrupt_time;

	(void)context;
	rig_expect(first == us_nt_interrupt_time());
	rig_expect(*high2 == (uint32_t)(first >> 32));
	rig_expect(first % (US_NT_TICK_NS / 100) == 0);
}

static void the_shared_user_page_tells_the_time(void **state)
{
	(void)state;
	rig_run(NULL, shared_page, NULL);
}

UNWATCHED static void write_shared_page(void *context)
{
	(void)context;
	*(volatile uint32_t *)(uintptr_t)UINT64_C(0xFFFFF78000000008) = 1;
}

static void the_shared_user_page_can_not_be_written(void **state)
{
	(void)state;
	rig_run_breaks("memory.read-only", write_shared_page, NULL);
}

/* -- what is not there -------------------------------------------------------------------------------------------- */

static void after_unmap(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);

	(void)context;
	us_nt_trap_unmap(bar, 4096);
	*(volatile uint32_t *)bar = 1;
}

static void registers_that_are_unmapped_are_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("memory.access", after_unmap, NULL);
}

static void behind_the_end(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);

	(void)context;
	rig_expect(*(volatile uint32_t *)(bar + 4096) == 1);
}

static void running_over_the_end_of_registers_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("memory.access", behind_the_end, NULL);
}

static bool across_the_end_writes;

static void across_the_end(void *context)
{
	uint8_t *bar = us_nt_trap_map(0, 0, 4096);
	uint64_t value = 0;

	if (context)
		__asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(bar + 4092) : "memory");
	else
		__asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(bar + 4092) : "memory");
}

static void an_access_across_the_end_of_registers_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("memory.access", across_the_end, NULL);
	rig_run_breaks("memory.access", across_the_end, &across_the_end_writes);
}

static void freed_pages(void *context)
{
	volatile uint32_t *page = us_nt_pages(US_WINDOW_USER, 1);

	(void)context;
	rig_expect(*page == 0);
	rig_expect(page[1024] == 0); /* the page behind it is nobody's */
}

static void running_over_the_end_of_pages_is_a_bugcheck(void **state)
{
	(void)state;
	rig_run_breaks("memory.access", freed_pages, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_loaded_and_stored),
		cmocka_unit_test(every_instruction_does_what_the_processor_does),
		cmocka_unit_test(strings_and_vectors_are_carried_out_piece_by_piece),
		cmocka_unit_test(the_shared_user_page_tells_the_time),
		cmocka_unit_test(the_shared_user_page_can_not_be_written),
		cmocka_unit_test(registers_that_are_unmapped_are_a_bugcheck),
		cmocka_unit_test(running_over_the_end_of_registers_is_a_bugcheck),
		cmocka_unit_test(an_access_across_the_end_of_registers_is_a_bugcheck),
		cmocka_unit_test(running_over_the_end_of_pages_is_a_bugcheck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
