/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer, so that any compiler's build has it among its tests:
 *
 *     fuzz-THAT [ROUNDS [SEED]]     random inputs, the same for the same seed; prints the seed of a round before it runs it
 *                                   with FUZZ_VERBOSE set, so that a crash can be run again as ROUNDS 1
 *     fuzz-THAT FILE...             these inputs, as libFuzzer left them
 *
 * With UNDERSTUDY_SOAK_SECONDS set and no arguments it goes on for so long, from a seed that it prints.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONGEST 4096

static uint64_t next(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int run_random(unsigned long rounds, uint64_t seed)
{
	for (unsigned long i = 0; i < rounds; i++) {
		uint64_t state = seed + i;
		const size_t size = next(&state) % LONGEST;
		uint8_t *data = malloc(size ? size : 1); /* of its own, so that a sanitizer sees reads beyond its end */

		if (!data)
			return 1;
		if (getenv("FUZZ_VERBOSE"))
			fprintf(stderr, "seed %llu\n", (unsigned long long)(seed + i));
		for (size_t n = 0; n < size; n++)
			data[n] = (uint8_t)next(&state);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%lu random inputs from seed %llu\n", rounds, (unsigned long long)seed);
	return 0;
}

static int run_long(unsigned long seconds)
{
	const time_t begin = time(NULL);
	uint64_t seed = (uint64_t)begin << 24;

	for (; (unsigned long)(time(NULL) - begin) < seconds; seed += 1000)
		if (run_random(1000, seed))
			return 1;
	return 0;
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(1 << 20);
	size_t size;

	if (!file || !data) {
		perror(path);
		free(data);
		if (file)
			fclose(file);
		return 1;
	}
	size = fread(data, 1, 1 << 20, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	const char *soak = getenv("UNDERSTUDY_SOAK_SECONDS");
	unsigned long rounds = argc > 1 ? strtoul(argv[1], &end, 10) : 1000;

	if (argc > 1 && *end) {
		for (int i = 1; i < argc; i++)
			if (run_file(argv[i]))
				return 1;
		return 0;
	}
	if (soak && argc == 1)
		return run_long(strtoul(soak, NULL, 10));
	return run_random(rounds, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
}
