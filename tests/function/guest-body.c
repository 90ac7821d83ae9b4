/* SPDX-License-Identifier: Apache-2.0 */
/* The tests every target passes, on the function that the argument names: run in the guest, over the kernel's VFIO. */
#include "body.h"

static const char *target;

static int open_target(struct us_function **fn, struct us_error *err)
{
	return us_fn_open(target, NULL, fn, err);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3) {
		fprintf(stderr, "Usage: %s TARGET [PATTERN]\n", argv[0]);
		return 2;
	}
	if (argc == 3)
		cmocka_set_test_filter(argv[2]);
	target = argv[1];
	body_open = open_target;
	return _cmocka_run_group_tests("every target", body_tests, body_ntests, NULL, NULL);
}
