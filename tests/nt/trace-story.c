/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells one story of the crypto driver with one seed and writes its trace to standard output.
 *
 *     trace-story DRIVER.sys STORY SEED CPUS
 *
 * Built a second time under address sanitizer, whose heap and stacks lie elsewhere: the trace has to be the same.
 */
#include "nt/stories.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct us_telling telling = {.tap = stderr, .reports = stderr};
	struct us_telling_result result;
	struct us_error err;

	if (argc != 5) {
		fprintf(stderr, "usage: %s DRIVER.sys STORY SEED CPUS\n", argv[0]);
		return 2;
	}
	telling.rehearsal = (struct us_rehearsal){
		.driver = argv[1], .model = "crypto", .cpus = (unsigned)strtoul(argv[4], NULL, 10), .trace = stdout};
	telling.filter = argv[2];
	telling.first_seed = telling.last_seed = strtoull(argv[3], NULL, 10);
	if (us_stories_tell(&telling, us_stories_find("crypto"), &result, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return fflush(stdout) || ferror(stdout) || result.failed;
}
