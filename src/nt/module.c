/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of the run: from its file into memory, and from addresses back to its source. */
#include "nt/module.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "nt/gate.h"
#include "nt/pe.h"
#include "nt/phys.h"
#include "nt/sched.h"
#include "nt/seh.h"
#include "nt/stage.h"
#include "nt/symbol.h"
#include "nt/trace.h"

struct us_module {
	struct us_image image;
	uint64_t base; /* where it is, or was */
	bool loaded;
	char name[64];
};

/* The file that was read last, for the next run. */
static struct {
	char *path;
	struct stat stat;
	struct us_pe *pe;
} file;

static bool is_read_already(const char *path, const struct stat *stat)
{
	return file.pe && strcmp(file.path, path) == 0 && file.stat.st_dev == stat->st_dev &&
	       file.stat.st_ino == stat->st_ino && file.stat.st_size == stat->st_size &&
	       file.stat.st_mtim.tv_sec == stat->st_mtim.tv_sec && file.stat.st_mtim.tv_nsec == stat->st_mtim.tv_nsec;
}

/* "…/crypto-x64.sys" is crypto-x64. */
static void name_after(struct us_module *module, const char *path)
{
	const char *base = strrchr(path, '/'), *dot;

	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	snprintf(module->name, sizeof(module->name), "%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
}

int us_nt_module_open(struct us_error *err)
{
	const char *path = us_nt->config->driver;
	struct us_module *module = us_nt->module = us_nt_alloc(sizeof(*module));
	struct us_pe *pe;
	struct stat stat_now;
	int rc;

	if (us_nt->config->entry || !path) {
		snprintf(module->name, sizeof(module->name), "native");
		return 0;
	}
	name_after(module, path);
	if (stat(path, &stat_now))
		return us_fail(err, -errno, "%s: the driver can not be read: %s", path, strerror(errno));
	if (is_read_already(path, &stat_now))
		return 0;
	if ((rc = us_pe_open(path, &pe, err)))
		return rc;
	us_pe_close(file.pe);
	free(file.path);
	file.pe = pe;
	file.path = strdup(path);
	file.stat = stat_now;
	return 0;
}

const char *us_nt_module_name(void)
{
	return us_nt->module->name;
}

/* -- into memory -------------------------------------------------------------------------------------------------- */

/* An import that is not there: the driver may have it, but not call it. One for each name, for the whole process. */
static const struct us_export *missing_export(const struct us_pe_import *import)
{
	static struct missing {
		struct us_export export;
		struct missing *next;
		char name[];
	} * all;
	struct missing *m;
	char name[256];

	if (import->name)
		snprintf(name, sizeof(name), "%s", import->name);
	else
		snprintf(name, sizeof(name), "number %u of %s", import->ordinal, import->dll);
	for (m = all; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return &m->export;
	m = calloc(1, sizeof(*m) + strlen(name) + 1);
	if (!m)
		abort();
	strcpy(m->name, name);
	m->export = (struct us_export){.name = m->name, .max_irql = HIGH_LEVEL};
	m->next = all;
	all = m;
	return &m->export;
}

static void *bind_import(void *context, const struct us_pe_import *import, struct us_error *err)
{
	const struct us_export *export = import->name ? us_nt_find_export(import->dll, import->name) : NULL;

	(void)context, (void)err;
	return us_nt_gate(export ? export : missing_export(import));
}

const char *us_nt_symbols;
uint64_t us_nt_symbols_offset;

__attribute__((noinline)) void us_nt_driver_loaded(void)
{
	__asm__ volatile("");
}

static void tell_debugger(const struct us_image *image)
{
	static char path[4096];

	us_nt_debug_file(path, sizeof(path), file.path);
	us_nt_symbols = path;
	us_nt_symbols_offset = (uint64_t)(uintptr_t)image->base - us_pe_preferred_base(file.pe);
	us_nt_driver_loaded();
}

NTSTATUS us_nt_module_load(PDRIVER_INITIALIZE *entry)
{
	struct us_module *module = us_nt->module;
	struct us_error err = {0};

	if (us_nt->config->entry) {
		memcpy(entry, &us_nt->config->entry, sizeof(*entry));
		return STATUS_SUCCESS;
	}
	if (us_pe_load(file.pe, bind_import, NULL, &module->image, &err))
		us_nt_stop(US_NT_FAILED, "", "the driver can not be loaded: %s", err.text);
	module->loaded = true;
	module->base = (uint64_t)(uintptr_t)module->image.base;
	us_nt_trace("note      %s is loaded at 0x%" PRIx64, module->image.name,
		    (uint64_t)(uintptr_t)module->image.base);
	memcpy(entry, &module->image.entry, sizeof(*entry));
	tell_debugger(&module->image);
	return STATUS_SUCCESS;
}

void us_nt_module_discard(void)
{
	if (us_nt->module->loaded)
		us_pe_discard(&us_nt->module->image);
}

void us_nt_module_unload(void)
{
	struct us_module *module = us_nt->module;

	if (!module->loaded)
		return;
	us_pe_unload(&module->image);
	module->loaded = false;
}

const struct us_image *us_nt_module_image(void)
{
	return us_nt->module->loaded ? &us_nt->module->image : NULL;
}

bool us_nt_module_is_code(uint64_t address)
{
	const struct us_module *module = us_nt->module;

	return module->loaded && address - module->base < module->image.size;
}

/* -- back to the source ------------------------------------------------------------------------------------------- */

/* In the image, or where that was. */
static bool is_in_image(uint64_t address)
{
	const struct us_module *module = us_nt->module;

	return module->base && address - module->base < module->image.size;
}

/* Of a stack that is longer, as in an endless recursion, both ends. */
#define SHOWN_FIRST 16u
#define SHOWN_LAST 12u
#define FOLLOWED 4096u

static void print_symbols(FILE *to, const uint64_t *at, unsigned count)
{
	const unsigned shown = SHOWN_FIRST + SHOWN_LAST;
	uint64_t preferred = us_pe_preferred_base(file.pe);
	const char *name = us_nt->module->image.name;

	if (count <= shown) {
		us_nt_print_symbols(to, file.path, name, preferred, at, count);
		return;
	}
	us_nt_print_symbols(to, file.path, name, preferred, at, SHOWN_FIRST);
	fprintf(to, "    ... %u more ...\n", count - shown);
	us_nt_print_symbols(to, file.path, name, preferred, at + count - SHOWN_LAST, SHOWN_LAST);
}

/* The frames from a place in the driver up to where the stage had called it. */
static void print_part(FILE *to, uint64_t rip, uint64_t regs[16], bool is_return)
{
	uint64_t at[FOLLOWED], base = us_nt->module->base;
	unsigned count = 0;

	while (count < FOLLOWED && is_in_image(rip)) {
		/* Of a return address the call before it, not what follows. */
		at[count++] = rip - base + us_pe_preferred_base(file.pe) - is_return;
		is_return = true;
		if (!us_pe_unwind(&us_nt->module->image, &rip, regs))
			break;
	}
	print_symbols(to, at, count);
}

enum { RSP = 4, RBP = 5 };

static void print_part_of_call(FILE *to, uint64_t caller, uint64_t caller_sp)
{
	uint64_t regs[16] = {0};

	if (!caller)
		return;
	regs[RSP] = caller_sp;
	memcpy(&regs[RBP], (const uint8_t *)(uintptr_t)caller_sp - 16,
	       sizeof(regs[RBP])); /* gate-call.S keeps it there */
	print_part(to, caller, regs, true);
}

/* Where the driver had jumped from, or what it called at the very end of its stack: the next return address to it. */
static void print_part_from_stack(FILE *to, const struct us_thread *thread, uint64_t regs[16])
{
	uint64_t begin = (uint64_t)(uintptr_t)thread->fiber.stack, end = begin + thread->fiber.size - 8, rip;
	uint64_t sp = regs[RSP] < begin && begin - regs[RSP] < 4 * US_NT_PAGE ? begin : regs[RSP];

	for (sp = (sp + 7) & ~UINT64_C(7); sp - begin <= end - begin; sp += 8) {
		memcpy(&rip, (const void *)(uintptr_t)sp, sizeof(rip));
		if (!is_in_image(rip) || rip - us_nt->module->base < US_NT_PAGE)
			continue;
		regs[RSP] = sp + 8;
		print_part(to, rip, regs, true);
		return;
	}
}

/* The function itself, of a call whose place in it is not known. */
static void print_function(FILE *to, const struct us_callback *callback)
{
	uint64_t at = (uint64_t)(uintptr_t)callback->function;

	if (is_in_image(at)) {
		at += us_pe_preferred_base(file.pe) - us_nt->module->base;
		print_symbols(to, &at, 1);
	}
}

/* The driver's handler is called for an exception; what that is called by in turn has nothing of its own below it. */
static bool is_handler(const struct us_callback *callback)
{
	return callback->dispatch && callback->outer == callback->dispatch->callback;
}

/* The frames of what a handler was called for. */
static void print_part_of_exception(FILE *to, const struct us_dispatch *dispatch)
{
	const CONTEXT *of = dispatch->origin && !dispatch->is_call ? dispatch->origin : dispatch->told.ContextRecord;
	uint64_t regs[US_GENERAL];

	memcpy(regs, &of->Rax, sizeof(regs));
	print_part(to, of->Rip, regs, false);
}

void us_nt_module_print_stack(FILE *to, const struct us_thread *thread)
{
	bool ended_here = thread == us_nt->stop.thread;
	uint64_t regs[16], rip = ended_here ? us_nt->stop.rip : 0;
	const struct us_callback *callback = thread->callback;

	if (!us_nt->module->loaded || (!thread->caller && !callback && !rip))
		return;
	memcpy(regs, us_nt->stop.regs, sizeof(regs));
	fprintf(to, "the driver's stack in thread %u (%s):\n", thread->id, thread->name);
	if (is_in_image(rip))
		print_part(to, rip, regs, false);
	else if (thread->caller)
		print_part_of_call(to, thread->caller, thread->caller_sp);
	else if (ended_here && regs[RSP])
		print_part_from_stack(to, thread, regs);
	else if (callback)
		print_function(to, callback);
	for (; callback; callback = callback->outer) {
		fprintf(to, "    called as %s\n", callback->name);
		if (is_handler(callback))
			print_part_of_exception(to, callback->dispatch);
		else if (!callback->dispatch)
			print_part_of_call(to, callback->caller, callback->caller_sp);
	}
}

void us_nt_module_print_blamed(FILE *to)
{
	uint64_t at = us_nt->stop.blamed;

	if (!is_in_image(at))
		return;
	at += us_pe_preferred_base(file.pe) - us_nt->module->base - 1; /* the call, not what follows */
	fputs("what is left was allocated in:\n", to);
	print_symbols(to, &at, 1);
}
