/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a cpio archive as Linux takes it for an initramfs: the format "newc" (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Folders that a path needs are added before it, and a path that was already added is left out. Paths are absolute;
 * "/lib", "/lib64", "/bin" and "/sbin" are links to their namesakes in "/usr" in our guest, so a path that begins with
 * one of them is written behind the link. All functions return 0 or -errno: -EINVAL for a path that is not absolute or
 * contains "." or "..", -EFBIG for a file of 4 GiB or more.
 */
#ifndef UNDERSTUDY_CLI_CPIO_H
#define UNDERSTUDY_CLI_CPIO_H

#include "cli/vm.h"

#include <stdint.h>
#include <stdio.h>

struct us_cpio {
	FILE *to; /* the caller's, at a multiple of 4 bytes */
	struct us_list paths; /* added so far */
	uint32_t inode;
};

void us_cpio_begin(struct us_cpio *cpio, FILE *to);
int us_cpio_folder(struct us_cpio *cpio, const char *path);
int us_cpio_data(struct us_cpio *cpio, const char *path, unsigned mode, const void *data, size_t length);
int us_cpio_file(struct us_cpio *cpio, const char *path, const char *host_path); /* with the mode it has there */
int us_cpio_link(struct us_cpio *cpio, const char *path, const char *target);
int us_cpio_end(struct us_cpio *cpio); /* the trailer; frees the list of paths. Call it once, after errors too */

#endif
