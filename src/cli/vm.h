/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb `vm`: stock QEMU with our devices in it. vm.c reads the command line, vm-qemu.c finds QEMU and words its
 * command, vm-image.c makes the guest's initramfs with the user's files in it, vm-run.c runs QEMU and looks after it.
 * All of it runs in one thread.
 */
#ifndef UNDERSTUDY_CLI_VM_H
#define UNDERSTUDY_CLI_VM_H

#include <understudy/error.h>

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* A list of strings that ends with NULL, to be handed to exec(). Out of memory is remembered and reported once, by us_list_ok(). */
struct us_list {
	char **item;
	size_t count, room;
	bool failed;
};

void us_list_add(struct us_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool us_list_has(const struct us_list *list, const char *text);
int us_list_ok(const struct us_list *list, struct us_error *err); /* 0 or -ENOMEM */
void us_list_free(struct us_list *list);

/* What the command line asks for. The strings are the command line's. */
struct us_vm {
	struct us_list sockets; /* vfio-user servers, a device each */
	struct us_list files; /* what --add brings, as the user wrote it */
	const char *qemu, *accel, *windows, *kernel, *initrd, *append, *run, *keep;
	unsigned memory, cpus; /* MiB, number */
	unsigned timeout; /* seconds; 0: none */
	bool dry_run, verbose;
	char **extra; /* QEMU's own options, up to NULL */
};

/* -- vm-qemu.c: QEMU and its command ----------------------------------------------------------------------------- */

/*
 * The path of `name` in the folder above the one this command lies in: above its build directory, or the prefix it is
 * installed under. -ENAMETOOLONG, and an empty path.
 */
int us_vm_beside(const char *name, char path[PATH_MAX]);

/* The path of `name` where the set-up puts QEMU and the guest image: in $UNDERSTUDY_TOOLS, or build-tools beside us. */
int us_vm_tool(const char *name, char path[PATH_MAX]);

/*
 * Finds a QEMU that offers vfio-user-pci: `asked`, else $UNDERSTUDY_QEMU, else the one in PATH, else the set-up's. The
 * first two are taken at their word and not replaced by another. -ENOENT with a sentence.
 */
int us_vm_find_qemu(const char *asked, char path[PATH_MAX], struct us_error *err);

/*
 * The command that starts `vm` with `qemu`. `kernel` and `initrd` are the files to boot, unused for Windows; `folder` is
 * where a program's output goes (see us_vm_run()), or NULL when the guest has the terminal. -errno with a sentence.
 */
int us_vm_command(const struct us_vm *vm, const char *qemu, const char *kernel, const char *initrd, const char *folder,
		  struct us_list *command, struct us_error *err);

/* Prints it for a shell: an option a line, quoted where needed. -errno with a sentence when that can not be written. */
int us_vm_print(const struct us_list *command, struct us_error *err);

/* -- vm-image.c: what the guest boots from ---------------------------------------------------------------------- */

/* The guest image's kernel and initramfs. -ENOENT with a sentence. */
int us_vm_image(char kernel[PATH_MAX], char initrd[PATH_MAX], struct us_error *err);

/*
 * Writes to `path` the initramfs `base` and after it what the guest shall have on top: the files of --add with the
 * libraries they need, and the program of --run. -errno with a sentence.
 */
int us_vm_make_initrd(const struct us_vm *vm, const char *base, const char *path, struct us_error *err);

/* -- vm-run.c: running it --------------------------------------------------------------------------------------- */

/* Ends of us_vm_run() that are no exit status of the program's. */
enum us_vm_end { US_VM_EXITED, US_VM_TIMEOUT, US_VM_LOST, US_VM_SIGNAL, US_VM_UNHEARD };

/* The signals that ask us to end; us_vm_run() takes those that wait, too. */
void us_vm_end_signals(sigset_t *signals);

struct us_vm_result {
	enum us_vm_end end;
	int status; /* US_VM_EXITED: the program's, or QEMU's when no program runs; US_VM_SIGNAL: the signal we got */
};

/*
 * Runs QEMU until it ends or has to: for `timeout` seconds (0: without limit), or until a signal asks us to end. When
 * `folder` is given, the guest's output comes through FIFOs made in it, and goes to our standard output and error.
 * QEMU never outlives us, and the terminal is left as it was. For US_VM_LOST, US_VM_TIMEOUT and US_VM_UNHEARD (our own
 * output could not be written) `err` holds a sentence. -errno with a sentence when QEMU could not be started.
 */
int us_vm_run(const struct us_list *command, const char *folder, unsigned timeout, bool verbose,
	      struct us_vm_result *result, struct us_error *err);

#endif
