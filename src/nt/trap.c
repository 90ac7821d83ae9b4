/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: which of them are a driver's access to its device or to the processor, and which are its end. */
#include "nt/trap.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "nt/clock.h"
#include "nt/crash.h"
#include "nt/emulate.h"
#include "nt/gate.h"
#include "nt/phys.h"
#include "nt/sched-private.h"
#include "nt/seh.h"
#include "nt/trace.h"

#define READ_NS 400 /* of virtual time: a read waits for the device, */
#define WRITE_NS 40 /* a write is posted */

#define IO_MAPS 64u

#define SHARED_PAGE UINT64_C(0xFFFFF78000000000) /* KUSER_SHARED_DATA */

/* A driver that does not call anything for so many seconds of processor time does not come back. */
#define PATIENCE_S 2

/* For the kernel's frame of a signal, and for the sentence of a driver that has used up its own stack. */
#define SIGNAL_STACK (64u << 10)

struct io_map {
	uint64_t base, size; /* 0: free; base in the reserved addresses, or where the registers themselves are mapped */
	unsigned bar;
	uint64_t offset;
};

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static bool reserved; /* the addresses, by the first stage of the process */
static struct sigaction before[NSIG]; /* whose signals they were before the run */
static stack_t stack_before;
static volatile uint64_t points_seen;
static volatile unsigned ticks_without;

/* Of the stage; a handler has to find it without looking far. */
static struct io_map maps[IO_MAPS];
static uint64_t next_base;

/* -- the device's registers --------------------------------------------------------------------------------------- */

static void remember_access(const char *kind, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	static const char *const names[] = {"BAR0", "BAR1", "BAR2", "BAR3", "BAR4", "BAR5"};

	us_nt->registers++;
	us_nt_remember(kind, names[bar], "r", offset, width, value);
	if (us_nt_tracing())
		us_nt_trace("register  %s %s+0x%03" PRIx64 " %u = 0x%" PRIx64, kind, names[bar], offset, width, value);
}

uint64_t us_nt_register_read(unsigned bar, uint64_t offset, unsigned width)
{
	uint64_t value = UINT64_MAX;
	unsigned shift = 64 - 8 * width;

	us_nt_point(READ_NS);
	if (!us_nt->filter || us_nt->filter(false, bar, offset, width, &value))
		if (us_fn_read(us_nt->fn, US_REGION_BAR0 + bar, offset, width, &value))
			value = UINT64_MAX;
	value = value << shift >> shift;
	remember_access("read", bar, offset, width, value);
	us_nt_point(0);
	return value;
}

void us_nt_register_write(unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	us_nt_point(WRITE_NS);
	remember_access("write", bar, offset, width, value);
	if (!us_nt->filter || us_nt->filter(true, bar, offset, width, &value))
		us_fn_write(us_nt->fn, US_REGION_BAR0 + bar, offset, width, value);
	us_nt_point(0);
}

/* The registers themselves, on a function in real time that lets them be mapped; 0: they can not be. */
static uint64_t map_real(unsigned bar, uint64_t offset, size_t length)
{
	void *at;

	if (us_nt->info->virtual_time || !(us_nt->info->region[bar].flags & US_REGION_MAP) ||
	    us_fn_map_region(us_nt->fn, US_REGION_BAR0 + bar, offset, length, &at))
		return 0;
	return (uint64_t)(uintptr_t)at;
}

/* Addresses at which each access is a trap; 0: there are no more. */
static uint64_t map_nothing(size_t length)
{
	uint64_t base = next_base;

	if (base + length + US_NT_PAGE > US_IO_BASE + US_IO_SIZE)
		return 0;
	next_base += length + US_NT_PAGE; /* what follows is nobody's: running over the end shows */
	return base;
}

void *us_nt_trap_map(unsigned bar, uint64_t offset, size_t size)
{
	uint64_t in_page = offset % US_NT_PAGE, length = (size + in_page + US_NT_PAGE - 1) / US_NT_PAGE * US_NT_PAGE,
		 base;

	for (unsigned i = 0; i < IO_MAPS; i++) {
		if (maps[i].size)
			continue;
		base = map_real(bar, offset - in_page, length);
		if (!base)
			base = map_nothing(length);
		if (!base)
			return NULL;
		maps[i] = (struct io_map){base, length, bar, offset - in_page};
		return (void *)(uintptr_t)(base + in_page);
	}
	return NULL;
}

void us_nt_trap_unmap(void *at, size_t size)
{
	uint64_t address = (uint64_t)(uintptr_t)at;

	(void)size;
	for (unsigned i = 0; i < IO_MAPS; i++)
		if (maps[i].size && address - maps[i].base < maps[i].size)
			maps[i] = (struct io_map){0};
}

void us_nt_trap_say(char *text, size_t size, uint64_t address)
{
	for (unsigned i = 0; i < IO_MAPS; i++)
		if (maps[i].size && address - maps[i].base - maps[i].size < US_NT_PAGE) {
			snprintf(text, size, "behind the end of a mapping of BAR %u", maps[i].bar);
			return;
		}
	snprintf(text, size, "where registers of the device are mapped, but none are (any more)");
}

static const struct io_map *io_map_of(uint64_t address)
{
	for (unsigned i = 0; i < IO_MAPS; i++)
		if (address - maps[i].base < maps[i].size)
			return &maps[i];
	return NULL;
}

/* -- the page that Windows shares with everybody ------------------------------------------------------------------ */

struct system_time {
	uint32_t low, high1, high2;
};

static struct system_time system_time_of(uint64_t value)
{
	return (struct system_time){(uint32_t)value, (uint32_t)(value >> 32), (uint32_t)(value >> 32)};
}

/* The members that headers read inline, at their places in KUSER_SHARED_DATA (ntddk.h). */
static uint64_t read_shared_page(uint64_t offset, unsigned width)
{
	struct system_time interrupt = system_time_of(us_nt_interrupt_time()),
			   system = system_time_of(us_nt_system_time()), ticks = system_time_of(us_nt_tick_count());
	uint32_t multiplier = US_NT_TICK_NS * (1u << 24) / 1000000, version[] = {10, 0}, processors = us_nt_cpus();
	const struct {
		uint64_t offset;
		const void *at;
		size_t size;
	} members[] = {
		{0x004, &multiplier, 4}, {0x008, &interrupt, 12}, {0x014, &system, 12},
		{0x26c, version, 8},     {0x320, &ticks, 12},     {0x3c0, &processors, 4},
	};
	uint64_t value = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (offset >= members[i].offset && offset + width <= members[i].offset + members[i].size) {
			memcpy(&value, (const uint8_t *)members[i].at + (offset - members[i].offset), width);
			return value;
		}
	us_nt_unsupported("the driver reads %u bytes at 0x%" PRIx64
			  " of KUSER_SHARED_DATA, which the stage does not have",
			  width, offset);
}

/* -- what an instruction may touch
 * --------------------------------------------------------------------------------------- */

static bool is_register_access(const struct io_map *map, uint64_t address, unsigned width)
{
	return map && address + width <= map->base + map->size;
}

/* Begins within a mapping and ends behind it: would trap again, in the stage. */
static void must_not_run_over(const struct io_map *map, uint64_t address, unsigned width, bool write)
{
	if (map)
		us_nt_bugcheck(us_nt_irql() >= DISPATCH_LEVEL ? 0xD1 : 0x50, address, us_nt_irql(), write, 0,
			       "memory.access",
			       "the driver accesses %u bytes at 0x%" PRIx64
			       ", of which only the first %u are in a mapping of BAR %u",
			       width, address, (unsigned)(map->base + map->size - address), map->bar);
}

static uint64_t bus_read(uint64_t address, unsigned width)
{
	const struct io_map *map = io_map_of(address);
	uint64_t value = 0;

	if (is_register_access(map, address, width))
		return us_nt_register_read(map->bar, map->offset + (address - map->base), width);
	if (address - SHARED_PAGE < US_NT_PAGE)
		return read_shared_page(address - SHARED_PAGE, width);
	must_not_run_over(map, address, width, false);
	memcpy(&value, (const void *)(uintptr_t)address, width);
	return value;
}

static void bus_write(uint64_t address, unsigned width, uint64_t value)
{
	const struct io_map *map = io_map_of(address);

	if (is_register_access(map, address, width)) {
		us_nt_register_write(map->bar, map->offset + (address - map->base), width, value);
		return;
	}
	if (address - SHARED_PAGE < US_NT_PAGE)
		us_nt_bugcheck(0xBE, address, value, 0, 0, "memory.read-only",
			       "the driver writes to KUSER_SHARED_DATA, which is read-only");
	must_not_run_over(map, address, width, true);
	memcpy((void *)(uintptr_t)address, &value, width);
}

/* Of the processor's control region: the current thread, and the processor's number. */
static uint64_t bus_read_gs(uint64_t offset, unsigned width)
{
	if (offset == 0x188 && width == 8)
		return (uint64_t)(uintptr_t)us_nt_current();
	if (offset == 0x184 || offset == 0x1a4)
		return us_nt_cpu()->number;
	us_nt_unsupported("the driver reads gs:[0x%" PRIx64
			  "], a part of the processor's control region that the stage does not "
			  "have",
			  offset);
}

/* The BAR that a port lies in: its address is in config space. */
static bool find_port(uint16_t port, unsigned width, unsigned *bar, uint64_t *offset)
{
	for (*bar = 0; *bar < 6; ++*bar) {
		uint64_t size = us_nt->info->region[*bar].size, base;

		if (!size || !(us_nt->info->region[*bar].flags & US_REGION_IO) ||
		    us_fn_read(us_nt->fn, US_REGION_CONFIG, 0x10 + 4 * *bar, 4, &base))
			continue;
		*offset = port - (base & ~UINT64_C(3));
		if (*offset < size && *offset + width <= size)
			return true;
	}
	return false;
}

static uint64_t bus_in(uint16_t port, unsigned width)
{
	uint64_t offset;
	unsigned bar;

	if (find_port(port, width, &bar, &offset))
		return us_nt_register_read(bar, offset, width);
	us_nt_trace("register  read of port 0x%04x, where nobody is", port);
	return UINT64_MAX;
}

static void bus_out(uint16_t port, unsigned width, uint64_t value)
{
	uint64_t offset;
	unsigned bar;

	if (find_port(port, width, &bar, &offset))
		us_nt_register_write(bar, offset, width, value);
	else
		us_nt_trace("register  write of port 0x%04x, where nobody is", port);
}

static uint64_t bus_read_cr8(void)
{
	return us_nt_irql();
}

static void bus_write_cr8(uint64_t value)
{
	us_nt_trace("call      cr8 = %" PRIu64, value);
	if (value > us_nt_irql())
		us_nt_raise_irql((KIRQL)value);
	else
		us_nt_lower_irql((KIRQL)value);
}

static const struct us_bus bus = {
	.read = bus_read,
	.write = bus_write,
	.read_gs = bus_read_gs,
	.in = bus_in,
	.out = bus_out,
	.read_cr8 = bus_read_cr8,
	.write_cr8 = bus_write_cr8,
};

/* -- signals
 * ------------------------------------------------------------------------------------------------------------ */

/* int 29h: __fastfail(), with its reason in rcx; int 2Ch: a failed assertion. */
static bool is_int(const ucontext_t *context, uint8_t number)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];

	return at[0] == 0xcd && at[1] == number;
}

static bool on_stage(void)
{
	return us_nt && us_nt->sched && us_nt->sched->active;
}

/* Not the stage's: to whoever was there before. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	const struct sigaction *old = &before[signal];

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(signal, info, context);
	} else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
		old->sa_handler(signal);
	} else {
		sigaction(signal, old, NULL); /* the instruction comes again, and with it the default action */
	}
}

/*
 * The stage's code may fault on behalf of a driver, on what that handed in. Outside of a driver's call, and with an
 * address that could not be a driver's, it is its own mistake, or a test's.
 */
static bool concerns_driver(uint64_t address)
{
	return us_nt_window((const void *)(uintptr_t)address) >= 0 || address - US_IO_BASE < US_IO_SIZE ||
	       address < 0x10000 || us_nt_caller();
}

static void handle(int signal, siginfo_t *info, void *raw)
{
	ucontext_t *context = raw;
	uint64_t address = (uint64_t)(uintptr_t)info->si_addr, rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	bool by_driver = us_nt_window((const void *)(uintptr_t)rip) == US_WINDOW_IMAGE;
	bool paged = context->uc_mcontext.gregs[REG_TRAPNO] == US_TRAP_PAGE;
	const char *text = NULL;

	/* SIGBUS: registers that are mapped, of a function that sleeps or whose memory space is off */
	if ((signal == SIGSEGV || signal == SIGBUS) && rip != address) {
		bool io = paged && io_map_of(address), shared = paged && address - SHARED_PAGE < US_NT_PAGE;

		if (!paged && by_driver && is_int(context, 0x29))
			us_nt_crash_by_choice(context);
		bool control = by_driver && (paged ? address < US_NT_PAGE && us_nt_is_relative_to_gs(context)
						   : !is_int(context, 0x2c) && us_nt_is_control(context));

		if ((io || shared || control) && us_nt_emulate(context, &bus, &text))
			return;
	}
	if (!by_driver && rip != address && !(signal == SIGSEGV && concerns_driver(address))) {
		pass_on(signal, info, raw);
		return;
	}
	if (!text && us_seh_fault(signal, info, context))
		return;
	us_nt_crash(signal, info, context, text);
}

/* The frame of a signal as the kernel makes it, from its return address up to the end of the extended registers. */
struct frame {
	uint8_t *begin, *registers;
	size_t size;
};

static struct frame frame_of(const ucontext_t *context)
{
	enum {
		MAGIC_AT = 464,
		SIZE_AT = 468,
		MAGIC = 0x46505853,
		LEAST = 512
	}; /* struct _fpx_sw_bytes of the kernel's headers */
	uint8_t *registers = (uint8_t *)context->uc_mcontext.fpregs;
	struct frame frame = {(uint8_t *)(uintptr_t)context - sizeof(void *), registers, LEAST};
	uint32_t magic, size;

	memcpy(&magic, registers + MAGIC_AT, sizeof(magic));
	memcpy(&size, registers + SIZE_AT, sizeof(size));
	if (magic == MAGIC)
		frame.size = size;
	frame.size += (size_t)(registers - frame.begin);
	return frame;
}

/*
 * A signal comes on an alternate stack, since the driver's may be full. But a scheduling point in its handler goes to
 * other fibers, which have faults of their own: so the frame moves to the stack where it came from, and the handler
 * goes on there.
 */
__attribute__((no_sanitize("address"))) static void arrive(int signal, siginfo_t *info, void *raw)
{
	enum { RED_ZONE = 128, ALIGNMENT = 64 };
	ucontext_t *context = raw, *moved;
	struct us_thread *thread;
	struct frame frame;
	uint64_t end, begin, delta;
	void *from, *to;
	size_t size;

	if (!on_stage()) {
		pass_on(signal, info, raw);
		return;
	}
	thread = us_nt_current();
	frame = frame_of(context);
	end = ((uint64_t)context->uc_mcontext.gregs[REG_RSP] - RED_ZONE) & ~(uint64_t)(ALIGNMENT - 1);
	begin = end - ((frame.size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
	if (begin - (uint64_t)(uintptr_t)thread->fiber.stack > thread->fiber.size)
		us_nt_crash_of_stack(context);
	delta = begin - (uint64_t)(uintptr_t)frame.begin;
	delta = (delta + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1); /* what is aligned stays so */
	from = frame.begin;
	to = frame.begin + delta;
	moved = (ucontext_t *)(void *)((uint8_t *)raw + delta);
	size = frame.size;
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(size) : : "memory");
	moved->uc_mcontext.fpregs = (void *)(frame.registers + delta);
	/* As if the kernel had called it there: it returns to where that wanted to. */
	__asm__ volatile("movq %0, %%rsp\n\tjmpq *%1"
			 :
			 : "r"(frame.begin + delta), "r"((void (*)(int, siginfo_t *, void *))handle), "D"(signal),
			   "S"((uint8_t *)info + delta), "d"(moved)
			 : "memory");
	__builtin_unreachable();
}

/* Each second of processor time: is the driver still calling? */
static void tick(int signal, siginfo_t *info, void *raw)
{
	const ucontext_t *context = raw;
	uint64_t rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];

	(void)signal, (void)info;
	if (!on_stage())
		return;
	if (us_nt->points != points_seen || us_nt_window((const void *)(uintptr_t)rip) != US_WINDOW_IMAGE) {
		points_seen = us_nt->points;
		ticks_without = 0;
	} else if (++ticks_without >= PATIENCE_S) {
		ticks_without = 0;
		us_nt_keep_registers(context);
		us_nt_stop(US_NT_HANG, "hang.loop",
			   "the driver has been in a loop for %d s of processor time without calling anything",
			   PATIENCE_S);
	}
}

/* -- beginning
 * ---------------------------------------------------------------------------------------------------------- */

/* The addresses behind which devices are, and the clock that never stops: once for the process. */
static void reserve(void)
{
	struct sigaction every_second = {.sa_sigaction = tick,
					 .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART | SA_ONSTACK};
	struct itimerval second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};

	if (mmap((void *)(uintptr_t)US_IO_BASE, US_IO_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
		perror("understudy: the addresses of the stage's devices are taken");
		abort();
	}
	sigaction(SIGVTALRM, &every_second, NULL);
	setitimer(ITIMER_VIRTUAL, &second, NULL);
	reserved = true;
}

void us_nt_trap_init(void)
{
	struct sigaction action = {.sa_sigaction = arrive, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	stack_t own = {.ss_sp = us_nt_alloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};

	if (!reserved)
		reserve();
	sigaltstack(&own, &stack_before);
	for (unsigned i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &before[signals[i]]);
	memset(maps, 0, sizeof(maps));
	next_base = US_IO_BASE;
	us_nt_emulate_forget();
}

void us_nt_trap_fini(void)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &before[signals[i]], NULL);
	sigaltstack(&stack_before, NULL);
}
