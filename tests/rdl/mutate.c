/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdl-mutate COUNT SEED FILE...: the fuzz target without a fuzzer. Feeds it each file as it is, then COUNT mutations of
 * them, always the same ones for a seed. Prints which it is at before each crash can happen: the last line names it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGEST 65536

struct input {
	uint8_t data[LARGEST];
	size_t size;
};

static uint64_t state;

/* xorshift64* */
static uint32_t draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1d) >> 32) % below;
}

static int load(const char *name, struct input *input)
{
	FILE *file = fopen(name, "rb");

	if (!file) {
		perror(name);
		return -1;
	}
	input->size = fread(input->data, 1, LARGEST, file);
	fclose(file);
	return 0;
}

static void remove_bytes(struct input *input, size_t at, size_t count)
{
	if (count > input->size - at)
		count = input->size - at;
	memmove(input->data + at, input->data + at + count, input->size - at - count);
	input->size -= count;
}

static void insert_bytes(struct input *input, size_t at, const uint8_t *bytes, size_t count)
{
	if (input->size + count > LARGEST)
		return;
	memmove(input->data + at + count, input->data + at, input->size - at);
	memmove(input->data + at, bytes, count);
	input->size += count;
}

static void insert_word(struct input *input, size_t at)
{
	static const char *const words[] = {
		"{", "}", ";", "[", "]", "(", ")", "#(", "@", "+=", "%=", "->", ".", "'{", "::", "**", "<<", "~&", "?", ":",
		"addrmap a {", "reg {", "regfile r {", "field {}", "mem {", "external ", "alias x ", "signal {} s;", "enum e { A; };",
		"struct s { bit b; };", "property p { type = ref; component = all; };", "`define X ", "`X", "`ifdef X\n", "`endif\n",
		"`include \"understudy.rdl\"\n", "\"", "/*", "*/", "//", "\\", "0xffffffffffffffff", "64'hffffffffffffffff", "1'b0",
		"4294967295", "default ", "sw = rw;", "regwidth = 64;", "reset = 1;", "intr;", "x[3]", "longint unsigned ", "\xff",
	};
	const char *word = words[draw(sizeof words / sizeof words[0])];

	insert_bytes(input, at, (const uint8_t *)word, strlen(word));
}

static void mutate(struct input *input, const struct input *other)
{
	uint8_t piece[256];
	size_t at = draw((uint32_t)input->size + 1), from;

	switch (draw(6)) {
	case 0:
		if (at < input->size)
			input->data[at] = (uint8_t)draw(256);
		break;
	case 1:
		remove_bytes(input, at, draw(draw(2) ? 4 : 200));
		break;
	case 2: /* a piece of another file */
		from = draw((uint32_t)other->size + 1);
		if (from + sizeof piece <= other->size)
			insert_bytes(input, at, other->data + from, draw(sizeof piece));
		break;
	case 3: /* a piece of itself */
		if (at + sizeof piece <= input->size) {
			memcpy(piece, input->data + at, sizeof piece);
			insert_bytes(input, draw((uint32_t)input->size + 1), piece, draw(sizeof piece));
		}
		break;
	default:
		insert_word(input, at);
	}
}

int main(int argc, char **argv)
{
	static struct input input;
	struct input *files;
	unsigned long count;
	int nfiles = argc - 3, failed = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: rdl-mutate COUNT SEED FILE...\n");
		return 2;
	}
	count = strtoul(argv[1], NULL, 0);
	state = strtoull(argv[2], NULL, 0) * 2 + 1;
	files = calloc((size_t)nfiles, sizeof *files);
	if (!files)
		return 1;
	for (int i = 0; i < nfiles; i++) {
		failed |= load(argv[i + 3], &files[i]);
		LLVMFuzzerTestOneInput(files[i].data, files[i].size);
	}
	for (unsigned long i = 0; i < count && !failed; i++) {
		if (i % 1000 == 0) {
			printf("# mutation %lu of %lu, seed %s\n", i, count, argv[2]);
			fflush(stdout);
		}
		memcpy(&input, &files[draw((uint32_t)nfiles)], sizeof input);
		for (uint32_t j = 1 + draw(6); j; j--)
			mutate(&input, &files[draw((uint32_t)nfiles)]);
		LLVMFuzzerTestOneInput(input.data, input.size);
	}
	free(files);
	return failed ? 1 : 0;
}
