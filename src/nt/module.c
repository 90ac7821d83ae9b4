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
#include "nt/stage.h"
#include "nt/symbol.h"
#include "nt/trace.h"


struct us_module {
	struct us_image image;
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

/* -- into memory ------------------------------------------------------------------------------------------------------ */

/* An import that is not there: the driver may have it, but not call it. One for each name, for the whole process. */
static const struct us_export *missing_export(const struct us_pe_import *import)
{
	static struct missing {
		struct us_export export;
		struct missing *next;
		char name[];
	} *all;
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
	if (us_pe_load(file.pe, bind_import, NULL, &module->image, &err)) {
		us_nt_trace("note      the driver can not be loaded: %s", err.text);
		return STATUS_INVALID_IMAGE_FORMAT;
	}
	module->loaded = true;
	us_nt_trace("note      %s is loaded at 0x%" PRIx64, module->image.name, (uint64_t)(uintptr_t)module->image.base);
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

/* -- back to the source ------------------------------------------------------------------------------------------------ */

static bool is_in_image(uint64_t address)
{
	const struct us_module *module = us_nt->module;

	return module->loaded && address - (uint64_t)(uintptr_t)module->image.base < module->image.size;
}

/* The frames from a place in the driver up to where the stage had called it. */
static void print_part(FILE *to, uint64_t rip, uint64_t regs[16], bool is_return)
{
	uint64_t at[US_NT_FRAMES], base = (uint64_t)(uintptr_t)us_nt->module->image.base;
	unsigned count = 0;

	while (count < US_NT_FRAMES && is_in_image(rip)) {
		/* Of a return address the call before it, not what follows. */
		at[count++] = rip - base + us_pe_preferred_base(file.pe) - is_return;
		is_return = true;
		if (!us_pe_unwind(&us_nt->module->image, &rip, regs))
			break;
	}
	us_nt_print_symbols(to, file.path, us_nt->module->image.name, us_pe_preferred_base(file.pe), at, count);
}

static void print_part_of_call(FILE *to, uint64_t caller, uint64_t caller_sp)
{
	enum { RSP = 4, RBP = 5 };
	uint64_t regs[16] = {0};

	if (!caller)
		return;
	regs[RSP] = caller_sp;
	memcpy(&regs[RBP], (const uint8_t *)(uintptr_t)caller_sp - 16, sizeof(regs[RBP])); /* gate-call.S keeps it there */
	print_part(to, caller, regs, true);
}

void us_nt_module_print_stack(FILE *to)
{
	const struct us_thread *thread = us_nt->stop.thread;

	if (!us_nt->module->loaded || !thread)
		return;
	fputs("the driver's stack:\n", to);
	if (is_in_image(us_nt->stop.rip)) {
		uint64_t regs[16];

		memcpy(regs, us_nt->stop.regs, sizeof(regs));
		print_part(to, us_nt->stop.rip, regs, false);
	} else {
		print_part_of_call(to, thread->caller, thread->caller_sp);
	}
	for (const struct us_callback *callback = thread->callback; callback; callback = callback->outer) {
		fprintf(to, "    called as %s\n", callback->name);
		print_part_of_call(to, callback->caller, callback->caller_sp);
	}
}
