/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in the guest: what an access costs there, over the kernel's VFIO, to our device behind QEMU and to one that is
 * part of QEMU itself (edu), side by side.
 *
 *     bench-guest OURS EDU      PCI addresses, both bound to vfio-pci
 */
#include "bench.h"

#define OURS_READ 0x0 /* ID */
#define OURS_WRITE 0x28 /* LENGTH */
#define EDU_READ 0x0 /* identification */
#define EDU_WRITE 0x4 /* liveness check: what was written reads as its complement */

struct access {
	struct us_function *fn;
	uint64_t reg;
};

static void reads(void *ctx, unsigned n)
{
	struct access *a = ctx;

	while (n--)
		us_fn_read32(a->fn, US_REGION_BAR0, a->reg);
}

static void writes(void *ctx, unsigned n)
{
	struct access *a = ctx;

	while (n--)
		us_fn_write32(a->fn, US_REGION_BAR0, a->reg, n);
	us_fn_read32(a->fn, US_REGION_BAR0, a->reg);
}

static struct us_function *open_function(const char *target)
{
	struct us_function *fn;
	struct us_error err;

	if (us_fn_open(target, NULL, &fn, &err))
		bench_fail("%s", err.text);
	return fn;
}

int main(int argc, char **argv)
{
	struct us_function *ours, *edu;

	if (argc != 3)
		bench_fail("usage: %s OURS EDU", argv[0]);
	ours = open_function(argv[1]);
	edu = open_function(argv[2]);
	if (us_fn_info(ours)->device_id != 0xc0de || us_fn_info(edu)->device_id != 0x11e8)
		bench_fail("%s is not the crypto device, or %s not edu", argv[1], argv[2]);
	bench_compare("Register access from a guest: read",
		      (struct bench_subject[]){
			      {.name = "edu, in QEMU", .run = reads, .ctx = &(struct access){edu, EDU_READ}, .n = 100},
			      {.name = "crypto, behind vfio-user",
			       .run = reads,
			       .ctx = &(struct access){ours, OURS_READ},
			       .n = 100},
		      },
		      2, 40);
	bench_compare(
		"Register access from a guest: write",
		(struct bench_subject[]){
			{.name = "edu, in QEMU", .run = writes, .ctx = &(struct access){edu, EDU_WRITE}, .n = 100},
			{.name = "crypto, behind vfio-user",
			 .run = writes,
			 .ctx = &(struct access){ours, OURS_WRITE},
			 .n = 100},
		},
		2, 40);
	us_fn_close(ours);
	us_fn_close(edu);
	return 0;
}
