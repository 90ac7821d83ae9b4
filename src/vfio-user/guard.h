/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of others that may vanish: a client can shorten its file while we have it mapped, and then an access to the
 * lost pages raises SIGBUS. A guarded range is replaced by private zero pages when that happens, and its owner is told
 * through a flag; everything else of the process goes on. A SIGBUS outside every guarded range is passed on.
 */
#ifndef UNDERSTUDY_VFIO_USER_GUARD_H
#define UNDERSTUDY_VFIO_USER_GUARD_H

#include <stdatomic.h>
#include <stddef.h>

#define US_GUARDS 4096 /* ranges guarded at once in this process */

/* Installs the handler, in front of the one there is. 0, also when it is installed already, or a negative errno. */
int us_guard_install(void);

/*
 * Guards a page-aligned range; *broken is set when it was lost, and must outlive the guard. A slot number, or -ENOSPC
 * when US_GUARDS are in use. One thread at a time.
 */
int us_guard_add(void *base, size_t size, atomic_bool *broken);

/* Before the range is unmapped, when no thread uses it any more. */
void us_guard_remove(int slot);

#endif
