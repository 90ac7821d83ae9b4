/* SPDX-License-Identifier: Apache-2.0 */
/* Fibers: their stacks' beginnings, and who has to be told of a switch. */
#include "nt/fiber.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif

#ifdef ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

void us_fiber_jump(void **save, void *load);
void us_fiber_begin(void);
void us_fiber_main(struct us_fiber *fiber);

/* What us_fiber_jump() finds on a stack, from its pointer up. */
struct frame {
	uint32_t mxcsr, x87;
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*returns_to)(void);
	uint64_t end[2]; /* keeps the stack aligned to 16 bytes at us_fiber_begin */
};

static void leaves(struct us_fiber *from, struct us_fiber *to, bool for_good);
static void arrived(struct us_fiber *fiber);

#ifdef ASAN
static void leaves(struct us_fiber *from, struct us_fiber *to, bool for_good)
{
	__sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->size);
}

static void arrived(struct us_fiber *fiber)
{
	__sanitizer_finish_switch_fiber(fiber->fake_stack, NULL, NULL);
}
#else
static void leaves(struct us_fiber *from, struct us_fiber *to, bool for_good)
{
	(void)from, (void)to, (void)for_good;
}

static void arrived(struct us_fiber *fiber)
{
	(void)fiber;
}
#endif

/* A gate passes on more arguments than its caller's frame may have: above the first frame there must be something. */
#define HEADROOM 256u

void us_fiber_init(struct us_fiber *fiber, void *stack, size_t size, void (*entry)(void *context), void *context)
{
	struct frame *frame;

#ifdef ASAN
	__asan_unpoison_memory_region(stack, size); /* a fiber that was abandoned leaves its frames behind */
#endif
	*fiber = (struct us_fiber){.stack = stack, .size = size, .entry = entry, .context = context};
	frame = (struct frame *)(void *)((uint8_t *)stack + (size & ~(size_t)15) - HEADROOM) - 1;
	*frame = (struct frame){
		.mxcsr = 0x1f80, .x87 = 0x37f, .rbx = (uint64_t)(uintptr_t)fiber, .returns_to = us_fiber_begin};
	fiber->sp = frame;
}

void us_fiber_init_host(struct us_fiber *fiber)
{
	*fiber = (struct us_fiber){0};
#ifdef ASAN
	pthread_attr_t attributes;

	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstack(&attributes, &fiber->stack, &fiber->size);
	pthread_attr_destroy(&attributes);
#endif
}

void us_fiber_main(struct us_fiber *fiber)
{
	arrived(fiber);
	fiber->entry(fiber->context);
}

void us_fiber_switch(struct us_fiber *from, struct us_fiber *to)
{
	leaves(from, to, false);
	us_fiber_jump(&from->sp, to->sp);
	arrived(from);
}

_Noreturn void us_fiber_leave(struct us_fiber *from, struct us_fiber *to)
{
	leaves(from, to, true);
	us_fiber_jump(&from->sp, to->sp);
	__builtin_trap();
}
