/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of the run: its file, its image in memory, and where in its source an address lies.
 *
 * The file is read once for a process, as long as it does not change, and loaded for each run.
 */
#ifndef UNDERSTUDY_NT_MODULE_H
#define UNDERSTUDY_NT_MODULE_H

#include "nt/ntdefs.h"

#include <stdio.h>

#include <understudy/error.h>

/* Reads config->driver, unless there is a native entry; a negative errno with a sentence. Before the run begins. */
int us_nt_module_open(struct us_error *err);

/*
 * Loads the driver into memory, its imports bound to gates; what the stage does not have is bound to a gate that stops the
 * run when it is called. *entry is where the system enters it. Ends the run where the memory has no room for it.
 */
NTSTATUS us_nt_module_load(PDRIVER_INITIALIZE *entry);
void us_nt_module_unload(void);

/* Takes its INIT sections away, as Windows does when DriverEntry has succeeded. */
void us_nt_module_discard(void);

/* The driver's image while it is loaded; NULL for a native driver. Whether an address lies in it. */
const struct us_image *us_nt_module_image(void);
bool us_nt_module_is_code(uint64_t address);

/*
 * Does nothing: where a debugger stops to read the driver's symbols from the file us_nt_symbols, which are us_nt_symbols_offset
 * above where that has them.
 */
void us_nt_driver_loaded(void);
extern const char *us_nt_symbols;
extern uint64_t us_nt_symbols_offset;

/* The driver's base name without its ending, "crypto": the name of its service. Good until the run ends. */
const char *us_nt_module_name(void);

/*
 * Prints the driver's stack in a thread, from where it was stopped (us_nt->stop.rip and regs) or from the call under way, with
 * the callbacks in between: "crypto.sys+0x1c CryptoEvtIsr at interrupt.c:88". Needs the driver's DWARF, in the file itself or in
 * NAME.debug beside it; without it there are offsets. Nothing for a native driver, or for a thread that is not in the driver.
 */
struct us_thread;
void us_nt_module_print_stack(FILE *to, const struct us_thread *thread);

/* Prints which call of the driver is to blame (us_nt->stop.blamed), also when it is unloaded; nothing when none is. */
void us_nt_module_print_blamed(FILE *to);

#endif
