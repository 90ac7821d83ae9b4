/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes whatever as a SystemRDL file: read them, and when they are one, make everything from it. Built with clang's
 * fuzzer where that is there; the program rdl-mutate feeds it in every test run.
 */
#include "rdl/rdl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct us_rdl_options options = {0};
	struct us_rdl *rdl;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		abort();
	options.diagnostics = nowhere;
	rdl = us_rdl_new(&options);
	if (!us_rdl_read_text(rdl, "input.rdl", (const char *)data, size) && us_rdl_top(rdl)) {
		us_rdl_write_dump(rdl, nowhere);
		us_rdl_write_header(rdl, nowhere);
		us_rdl_write_html(rdl, nowhere);
		us_rdl_write_map(rdl, nowhere);
	}
	us_rdl_free(rdl);
	return 0;
}
