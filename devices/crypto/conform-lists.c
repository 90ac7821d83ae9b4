/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto device finds its data by lists: fragments of any shape, anywhere, and every way a list can be wrong. */
#include "conform-rig.h"

#include <string.h>

#define WINDOW_ENTRIES CRYPTO_IN_WINDOW_COUNT

/*
 * Cuts `length` bytes from `base` + `offset` into fragments. The lengths come from the pattern, over and over. Between
 * two fragments `gap` bytes are left out (0: they are neighbours). Returns how many there are.
 */
static uint32_t cut(struct cry_entry *entries, uint64_t base, uint32_t length, uint32_t gap, const uint32_t *pattern,
		    size_t patterns)
{
	uint32_t n = 0;

	while (length) {
		uint32_t piece = pattern[n % patterns];

		if (piece > length)
			piece = length;
		entries[n++] = (struct cry_entry){base, piece, 0};
		base += piece + gap;
		length -= piece;
	}
	return n;
}

static void gather(struct rig *r, const struct cry_entry *entries, uint32_t n, uint8_t *to)
{
	for (uint32_t i = 0; i < n; to += entries[i++].length) {
		const uint8_t *from = entries[i].address >= RIG_OUT ? r->out + (entries[i].address - RIG_OUT)
								    : r->in + (entries[i].address - RIG_IN);

		memcpy(to, from, entries[i].length);
	}
}

struct shape {
	const char *name;
	uint32_t pattern[4];
	size_t patterns;
	uint32_t gap, offset;
};

static const struct shape shapes[] = {
	{"one piece", {UINT32_MAX}, 1, 0, 0},
	{"whole pages, scattered", {4096}, 1, 4096, 0},
	{"pages, the first begun inside", {4096 - 777, 4096, 4096, 4096}, 4, 0, 777},
	{"one page in two", {4096}, 1, 8192, 0},
	{"single bytes", {1}, 1, 1, 5},
	{"single bytes side by side", {1}, 1, 0, 0},
	{"blocks cut in every place", {15, 17, 1, 31}, 4, 3, 9},
	{"blocks and bytes", {16, 1, 15, 32}, 4, 1, 0},
	{"long and short", {5000, 1, 16, 3}, 4, 11, 4090},
};

#define SHAPES (sizeof shapes / sizeof *shapes)

static uint32_t shape_list(const struct shape *s, struct cry_entry *entries, uint64_t base, uint32_t length)
{
	return cut(entries, base + s->offset, length, s->gap, s->pattern, s->patterns);
}

/* Encrypts from one shape to another, in lists or, where they fit, in windows; compares with libcrypto. */
static void check_shapes(struct rig *r, const struct shape *in, const struct shape *out, uint32_t length, bool window)
{
	struct cry_entry *from = r->entries[IN], *to = r->entries[OUT];
	uint32_t ins = shape_list(in, from, RIG_IN, length), outs = shape_list(out, to, RIG_OUT, length);

	if (window && (ins > WINDOW_ENTRIES || outs > WINDOW_ENTRIES))
		return;
	(window ? cry_window : cry_list)(r, IN, from, ins);
	(window ? cry_window : cry_list)(r, OUT, to, outs);
	gather(r, from, ins, r->plain);
	cry_aes(r, true, cry_a_key, cry_an_iv, r->plain, r->expected, length);
	if (cry_run(r, ENCRYPT, length))
		us_run_fail(r->run, "from %s to %s: error %u", in->name, out->name, cry_read(r, CRYPTO_ERROR));
	gather(r, to, outs, r->got);
	if (memcmp(r->got, r->expected, length))
		us_run_fail(r->run, "from %s to %s: wrong output", in->name, out->name);
	for (uint32_t i = 0; i + 1 < outs; i++) {
		const uint8_t *after = r->out + (to[i].address - RIG_OUT) + to[i].length;

		for (uint32_t k = 0; k < out->gap; k++)
			us_check_equal(r->run, after[k], 0);
	}
}

static void input_and_output_may_be_cut_anywhere_and_differently(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < SHAPES; i++) {
		for (size_t k = 0; k < SHAPES; k++) {
			memset(r->out, 0, r->size);
			check_shapes(r, &shapes[i], &shapes[k], 4096, false);
		}
	}
}

static void lists_in_windows_work_the_same(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < SHAPES; i++) {
		for (size_t k = 0; k < SHAPES; k++) {
			memset(r->out, 0, r->size);
			check_shapes(r, &shapes[i], &shapes[k], 16, true);
			check_shapes(r, &shapes[i], &shapes[k], 16384, true);
		}
	}
}

static void one_list_may_be_in_memory_and_the_other_in_the_window(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry in = {RIG_IN + 1, 64, 0}, out = {RIG_OUT + 3, 64, 0};
	uint8_t expected[64];

	cry_key(r, cry_a_key, cry_an_iv);
	cry_aes(r, true, cry_a_key, cry_an_iv, r->in + 1, expected, 64);
	cry_window(r, IN, &in, 1);
	cry_list(r, OUT, &out, 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	us_check_bytes(r->run, r->out + 3, expected, 64);
	memset(r->out, 0, 128);
	cry_list(r, IN, &in, 1);
	cry_window(r, OUT, &out, 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), 0);
	us_check_bytes(r->run, r->out + 3, expected, 64);
}

static void digests_read_fragments_of_every_shape(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *from = r->entries[IN];

	for (size_t i = 0; i < SHAPES; i++) {
		for (uint32_t length = 7990; length < 8000; length++) {
			uint32_t n = shape_list(&shapes[i], from, RIG_IN, length);

			cry_list(r, IN, from, n);
			gather(r, from, n, r->plain);
			us_check_equal(r->run, cry_run(r, DIGEST, length), 0);
			cry_check_digest_of(r, r->plain, length);
		}
	}
}

static void all_64_bits_of_an_address_count(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry low = {RIG_LOW, 16, 0}, high = {RIG_LOW + (UINT64_C(6) << 32), 16, 0};
	uint8_t *at = us_run_dma(run, high.address, 4096, US_FN_DMA_READ);

	memset(r->low, 0x11, 16);
	memset(at, 0x22, 16);
	for (unsigned window = 0; window < 2; window++) {
		(window ? cry_window : cry_list)(r, IN, &high, 1);
		us_check_equal(r->run, cry_run(r, DIGEST, 16), 0);
		cry_check_digest_of(r, at, 16);
		(window ? cry_window : cry_list)(r, IN, &low, 1);
		us_check_equal(r->run, cry_run(r, DIGEST, 16), 0);
		cry_check_digest_of(r, r->low, 16);
	}
	/* The list itself: one in low memory, another at the same low half above 4 GiB. */
	memcpy(r->low + 64, &low, sizeof low);
	memcpy(at + 64, &high, sizeof high);
	cry_one(r, IN, 0, 16);
	cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_LOW + 64);
	cry_write(r, CRYPTO_IN_LIST_HI, 6);
	us_check_equal(r->run, cry_run(r, DIGEST, 16), 0);
	cry_check_digest_of(r, at, 16);
	cry_write(r, CRYPTO_IN_LIST_HI, 0);
	us_check_equal(r->run, cry_run(r, DIGEST, 16), 0);
	cry_check_digest_of(r, r->low, 16);
}

static void a_list_address_is_a_multiple_of_16(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	for (uint32_t low = 0; low < 32; low++) {
		uint8_t expected = low % 16 ? CRYPTO_ERROR_CODE_BAD_LIST : CRYPTO_ERROR_CODE_NONE;

		cry_one(r, IN, 0, 16);
		cry_one(r, OUT, 0, 16);
		r->list[IN][1] = r->list[IN][0];
		r->list[OUT][1] = r->list[OUT][0];
		cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_IN_LIST + low);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 16), expected);
		cry_one(r, IN, 0, 16);
		cry_write(r, CRYPTO_OUT_LIST_LO, (uint32_t)RIG_OUT_LIST + low);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 16), expected);
		us_check_equal(r->run, cry_fault(r), 0);
	}
}

static void a_list_may_cross_pages_and_begin_anywhere_in_one(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *from = r->entries[IN];
	uint32_t n = 600;

	for (uint32_t i = 0; i < n; i++)
		from[i] = (struct cry_entry){RIG_IN + 8 * (n - i), 1 + i % 7, 0};
	for (uint32_t at = 0; at < 4096 + 64; at += 1008) {
		uint32_t length = 0;

		for (uint32_t i = 0; i < n; i++)
			length += from[i].length;
		gather(r, from, n, r->plain);
		cry_list(r, IN, NULL, n);
		memcpy((uint8_t *)r->list[IN] + at, from, n * sizeof *from);
		cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_IN_LIST + at);
		us_check_equal(r->run, cry_run(r, DIGEST, length), 0);
		cry_check_digest_of(r, r->plain, length);
	}
}

/* Lists and data end where memory does: a byte more would be a fault. */
static void nothing_behind_the_last_entry_and_the_last_byte_is_read_or_written(struct us_run *run)
{
	static const uint32_t entries[] = {1, 255, 256, 257, 300};
	struct rig *r = cry_open(run, RIG_SMALL);
	const uint64_t end = RIG_LISTS + 2 * RIG_LIST_SIZE;

	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		const uint32_t n = entries[i], length = 16 * n;
		struct cry_entry *list = (struct cry_entry *)(void *)((uint8_t *)r->list[IN] + 2 * RIG_LIST_SIZE) - n;

		cry_list(r, IN, NULL, n);
		cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)(end - 16 * n));
		for (uint32_t k = 0; k < n; k++) /* with a hole, so that neighbours can not be one piece */
			list[k] = (struct cry_entry){RIG_IN + r->size - 17 * (n - k) + (k + 1 == n), 16, 0};
		gather(r, list, n, r->plain);
		cry_aes(r, true, cry_a_key, cry_an_iv, r->plain, r->expected, length);
		cry_one(r, OUT, r->size - length, length);
		us_check_equal(r->run, cry_run(r, ENCRYPT, length), 0);
		us_check_bytes(r->run, r->out + r->size - length, r->expected, length);
	}
}

static void a_list_has_1_to_its_limit_of_entries(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *from = r->entries[IN];
	uint32_t limits = cry_read(r, CRYPTO_LIMITS);

	us_check_equal(r->run, limits & CRYPTO_LIMITS_LIST_ENTRIES_MASK, RIG_LIST_ENTRIES);
	us_check_equal(r->run, (limits & CRYPTO_LIMITS_WINDOW_ENTRIES_MASK) >> CRYPTO_LIMITS_WINDOW_ENTRIES_SHIFT,
		       WINDOW_ENTRIES);
	for (uint32_t i = 0; i <= RIG_LIST_ENTRIES; i++)
		from[i] = (struct cry_entry){RIG_IN + 2 * i, 1, 0};
	cry_list(r, IN, from, RIG_LIST_ENTRIES);
	us_check_equal(r->run, cry_run(r, DIGEST, RIG_LIST_ENTRIES), 0);
	cry_list(r, IN, from, RIG_LIST_ENTRIES + 1);
	us_check_equal(r->run, cry_run(r, DIGEST, RIG_LIST_ENTRIES + 1), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_list(r, IN, from, 0);
	us_check_equal(r->run, cry_run(r, DIGEST, 1), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_write(r, CRYPTO_IN_COUNT, UINT32_MAX);
	us_check_equal(r->run, cry_run(r, DIGEST, 1), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_window(r, IN, from, WINDOW_ENTRIES);
	us_check_equal(r->run, cry_run(r, DIGEST, WINDOW_ENTRIES), 0);
	cry_window(r, IN, from, WINDOW_ENTRIES + 1);
	us_check_equal(r->run, cry_run(r, DIGEST, WINDOW_ENTRIES + 1), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_window(r, IN, from, 0);
	us_check_equal(r->run, cry_run(r, DIGEST, 1), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_write(r, CRYPTO_IN_COUNT, 1);
	us_check_equal(r->run, cry_run(r, DIGEST, 0), CRYPTO_ERROR_CODE_BAD_COUNT);
}

static void an_output_list_has_1_to_its_limit_of_entries(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 0);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_write(r, CRYPTO_OUT_COUNT, RIG_LIST_ENTRIES + 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_BAD_COUNT);
	us_check_equal(r->run, cry_run(r, DIGEST, 16), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_window(r, OUT, NULL, WINDOW_ENTRIES + 1);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_BAD_COUNT);
	cry_one(r, OUT, 0, 16);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), 0);
}

static void a_list_that_can_not_be_read_is_a_list_fault(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	uint64_t end = RIG_LISTS + 2 * RIG_LIST_SIZE;

	cry_key(r, cry_a_key, cry_an_iv);
	cry_one(r, IN, 0, 16);
	cry_one(r, OUT, 0, 16);
	cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)RIG_NOTHING);
	cry_write(r, CRYPTO_IN_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_LIST_FAULT);
	us_check_equal(r->run, cry_fault(r), RIG_NOTHING);
	cry_one(r, IN, 0, 16);
	cry_write(r, CRYPTO_OUT_LIST_HI, (uint32_t)(RIG_NOTHING >> 32));
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_LIST_FAULT);
	us_check_equal(r->run, cry_fault(r), RIG_NOTHING + RIG_LIST_SIZE);
	/* Two entries are there, the third is not. */
	cry_list(r, IN, NULL, 3);
	cry_one(r, OUT, 0, 16);
	cry_write(r, CRYPTO_IN_LIST_LO, (uint32_t)(end - 32));
	r->list[IN][2 * RIG_LIST_SIZE / 16 - 2] = (struct cry_entry){RIG_IN, 8, 0};
	r->list[IN][2 * RIG_LIST_SIZE / 16 - 1] = (struct cry_entry){RIG_IN, 8, 0};
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_LIST_FAULT);
	us_check_equal(r->run, cry_fault(r), end);
	cry_check_usable(r);
}

static void a_list_does_not_wrap_around_the_end_of_the_address_space(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_list(r, IN, NULL, 2);
	cry_write(r, CRYPTO_IN_LIST_LO, 0xfffffff0);
	cry_write(r, CRYPTO_IN_LIST_HI, 0xffffffff);
	us_check_equal(r->run, cry_run(r, DIGEST, 16), CRYPTO_ERROR_CODE_LIST_FAULT);
	us_check_equal(r->run, cry_fault(r), UINT64_C(0xfffffffffffffff0));
	cry_check_usable(r);
}

/* On a target whose device addresses have 64 bits: to an IOMMU with fewer the test before this one is all there is. */
static void a_list_that_would_wrap_faults_at_0_whatever_is_there(struct us_run *run)
{
	const uint64_t last_page = UINT64_MAX - 4095;
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *first = (struct cry_entry *)(void *)(r->low + 4096) - 1;
	uint8_t error;

	*first = (struct cry_entry){RIG_IN, 16, 0};
	memcpy(r->low, first, sizeof *first);
	cry_list(r, IN, NULL, 2);
	cry_write(r, CRYPTO_IN_LIST_LO, 0xfffffff0);
	cry_write(r, CRYPTO_IN_LIST_HI, 0xffffffff);
	if (us_fn_dma_map(r->fn, r->low, 0, 4096, US_FN_DMA_READ))
		return;
	if (!us_fn_dma_map(r->fn, r->low, last_page, 4096, US_FN_DMA_READ)) {
		error = cry_run(r, DIGEST, 32);
		us_run_done(run, us_fn_dma_unmap(r->fn, last_page, 4096));
		us_run_done(run, us_fn_dma_unmap(r->fn, 0, 4096));
		us_check_equal(run, error, CRYPTO_ERROR_CODE_LIST_FAULT);
		us_check_equal(run, cry_fault(r), 0);
	} else {
		us_run_done(run, us_fn_dma_unmap(r->fn, 0, 4096));
	}
}

/* Runs with entry `at` of five replaced by `bad`; the others are fine. */
static void check_bad_entry(struct rig *r, enum cry_side side, uint32_t at, struct cry_entry bad, bool window)
{
	uint64_t data = side == IN ? RIG_IN : RIG_OUT;
	struct cry_entry e[5];
	uint64_t list = side == IN ? RIG_IN_LIST : RIG_OUT_LIST;

	for (uint32_t i = 0; i < 5; i++)
		e[i] = (struct cry_entry){data + 100 * i, 16, 0};
	e[at] = bad;
	if (window)
		list = side == IN ? CRYPTO_IN_WINDOW_ADDRESS_LO(0) : CRYPTO_OUT_WINDOW_ADDRESS_LO(0);
	(window ? cry_window : cry_list)(r, side, e, 5);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 80), CRYPTO_ERROR_CODE_BAD_ENTRY);
	us_check_equal(r->run, cry_fault(r), list + 16 * at);
	us_check_equal(r->run, cry_read(r, CRYPTO_BYTES_DONE), 0);
	for (uint32_t i = 0; i < 500; i++)
		us_check_equal(r->run, r->out[i], 0);
	cry_one(r, side, 0, 80);
}

static void an_entry_that_is_wrong_is_named_and_nothing_is_written(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	cry_one(r, IN, 0, 80);
	cry_one(r, OUT, 0, 80);
	for (enum cry_side side = IN; side <= OUT; side++) {
		for (uint32_t at = 0; at < 5; at++) {
			for (unsigned window = 0; window < 2; window++) {
				check_bad_entry(r, side, at, (struct cry_entry){RIG_IN, 0, 0}, window);
				check_bad_entry(r, side, at, (struct cry_entry){UINT64_MAX - 14, 16, 0}, window);
				check_bad_entry(r, side, at, (struct cry_entry){UINT64_MAX, UINT32_MAX, 0}, window);
			}
			for (unsigned bit = 0; bit < 32; bit++)
				check_bad_entry(r, side, at, (struct cry_entry){RIG_IN, 16, UINT32_C(1) << bit}, false);
		}
	}
	cry_check_usable(r);
}

static void a_fragment_may_reach_to_the_last_byte_of_the_address_space(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry e = {UINT64_MAX - 15, 16, 0};

	cry_list(r, IN, &e, 1);
	us_check_equal(r->run, cry_run(r, DIGEST, 16), CRYPTO_ERROR_CODE_INPUT_FAULT);
	us_check_equal(r->run, cry_fault(r), UINT64_MAX - 15);
}

static void the_lengths_of_a_list_add_up_to_length(struct us_run *run)
{
	static const struct cry_entry huge[] = {{RIG_IN, UINT32_MAX, 0}, {RIG_IN, 65, 0}}; /* 64 in 32 bits */
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	for (uint32_t length = 48; length <= 80; length++) {
		uint8_t expected = length == 64 ? CRYPTO_ERROR_CODE_NONE : CRYPTO_ERROR_CODE_LIST_TOTAL;

		cry_one(r, IN, 0, length);
		cry_one(r, OUT, 0, 64);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 64), expected);
		cry_one(r, IN, 0, 64);
		cry_one(r, OUT, 0, length);
		us_check_equal(r->run, cry_run(r, DECRYPT, 64), expected);
		us_check_equal(r->run, cry_fault(r), 0);
	}
	cry_list(r, IN, huge, 2);
	cry_one(r, OUT, 0, 64);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 64), CRYPTO_ERROR_CODE_LIST_TOTAL);
	cry_check_usable(r);
}

/* Before each command the output is filled; after one that failed on a list, all of it must still be there. */
static void a_list_that_is_wrong_causes_no_byte_to_be_written(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry bad[2] = {{RIG_OUT, 16, 0}, {RIG_OUT + 16, 0, 0}};

	cry_key(r, cry_a_key, cry_an_iv);
	memset(r->out, 0x77, 4096);
	cry_one(r, IN, 0, 16);
	cry_list(r, OUT, bad, 2);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_BAD_ENTRY);
	bad[1].length = 1;
	cry_list(r, OUT, bad, 2);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_LIST_TOTAL);
	cry_write(r, CRYPTO_OUT_LIST_HI, 0x7fff);
	us_check_equal(r->run, cry_run(r, ENCRYPT, 16), CRYPTO_ERROR_CODE_LIST_FAULT);
	for (uint32_t i = 0; i < 4096; i++)
		us_check_equal(r->run, r->out[i], 0x77);
}

/* Output that overwrites the lists and finds them already read. */
static void a_list_is_read_before_the_first_byte_of_data_moves(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry e[4];
	uint8_t expected[4 * 16];

	cry_key(r, cry_a_key, cry_an_iv);
	cry_aes(r, true, cry_a_key, cry_an_iv, r->in, expected, sizeof expected);
	cry_one(r, IN, 0, sizeof expected);
	for (uint32_t i = 0; i < 4; i++)
		e[i] = (struct cry_entry){RIG_OUT_LIST + 16 * i, 16, 0};
	cry_list(r, OUT, e, 4);
	us_check_equal(r->run, cry_run(r, ENCRYPT, sizeof expected), 0);
	us_check_bytes(r->run, r->list[OUT], expected, sizeof expected);
}

static void input_may_be_replaced_by_output_in_place(struct us_run *run)
{
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *e = r->entries[IN];

	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < SHAPES; i++) {
		uint32_t n = shape_list(&shapes[i], e, RIG_IN, 8192);

		cry_list(r, IN, e, n);
		cry_list(r, OUT, e, n);
		gather(r, e, n, r->plain);
		cry_aes(r, false, cry_a_key, cry_an_iv, r->plain, r->expected, 8192);
		us_check_equal(r->run, cry_run(r, DECRYPT, 8192), 0);
		gather(r, e, n, r->got);
		us_check_bytes(r->run, r->got, r->expected, 8192);
	}
}

static void in_place_works_with_the_same_bytes_cut_differently(struct us_run *run)
{
	static const uint32_t three[] = {3, 4093, 40};
	const uint32_t length = 1 << 16;
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *from = r->entries[IN], *to = r->entries[OUT];

	cry_key(r, cry_a_key, cry_an_iv);
	cry_aes(r, true, cry_a_key, cry_an_iv, r->in, r->expected, length);
	cry_list(r, IN, from, cut(from, RIG_IN, length, 0, three, 3));
	cry_list(r, OUT, to, cut(to, RIG_IN, length, 0, three + 1, 2));
	us_check_equal(r->run, cry_run(r, ENCRYPT, length), 0);
	us_check_bytes(r->run, r->in, r->expected, length);
}

/* As behind an IOMMU: every shape, the input by one address and the output by the other, cut alike or not at all. */
static void in_place_works_under_two_device_addresses(struct us_run *run)
{
	const uint32_t length = 8192;
	struct rig *r = cry_open(run, RIG_SMALL);
	struct cry_entry *from = r->entries[IN], *to = r->entries[OUT];

	us_run_done(r->run, us_fn_dma_map(r->fn, r->in, RIG_NOTHING, RIG_SMALL, US_FN_DMA_READ));
	cry_key(r, cry_a_key, cry_an_iv);
	for (size_t i = 0; i < 2 * SHAPES; i++) {
		const struct shape *s = &shapes[i / 2];
		uint32_t ins = shape_list(s, from, RIG_NOTHING, length);
		uint32_t outs = shape_list(s, to, RIG_IN, length);

		if (!s->gap)
			to[0].length = length;
		gather(r, to, s->gap ? outs : 1, r->plain);
		cry_aes(r, i % 2, cry_a_key, cry_an_iv, r->plain, r->expected, length);
		cry_list(r, IN, from, ins);
		cry_list(r, OUT, to, s->gap ? outs : 1);
		us_check_equal(r->run, cry_run(r, i % 2 ? ENCRYPT : DECRYPT, length), 0);
		gather(r, to, s->gap ? outs : 1, r->got);
		us_check_bytes(r->run, r->got, r->expected, length);
	}
}

static void overlap_of_another_kind_writes_nothing_outside_the_output(struct us_run *run)
{
	const uint32_t length = 8192;
	struct rig *r = cry_open(run, RIG_SMALL);

	cry_key(r, cry_a_key, cry_an_iv);
	for (uint32_t shift = 1; shift <= 64; shift += 7) {
		struct cry_entry from = {RIG_IN + 1000, 4096, 0}, to = {RIG_IN + 1000 + shift, 4096, 0};

		memcpy(r->expected, r->in, length);
		cry_list(r, IN, &from, 1);
		cry_list(r, OUT, &to, 1);
		us_check_equal(r->run, cry_run(r, ENCRYPT, 4096), 0);
		us_check_bytes(r->run, r->in, r->expected, 1000 + shift);
		us_check_bytes(r->run, r->in + 5096 + shift, r->expected + 5096 + shift, 8192 - 5096 - shift);
	}
	cry_check_usable(r);
}

const struct us_test crypto_list_tests[] = {
	US_TEST("CRY-010 CRY-011", input_and_output_may_be_cut_anywhere_and_differently),
	US_TEST("CRY-085 CRY-086 CRY-010", lists_in_windows_work_the_same),
	US_TEST("CRY-076 CRY-085 CRY-086", one_list_may_be_in_memory_and_the_other_in_the_window),
	US_TEST("CRY-011", digests_read_fragments_of_every_shape),
	US_TEST("CRY-010 CRY-012", all_64_bits_of_an_address_count),
	US_TEST("CRY-012", a_list_address_is_a_multiple_of_16),
	US_TEST("CRY-012 CRY-014", a_list_may_cross_pages_and_begin_anywhere_in_one),
	US_TEST("CRY-010 CRY-011", nothing_behind_the_last_entry_and_the_last_byte_is_read_or_written),
	US_TEST("CRY-013 CRY-073", a_list_has_1_to_its_limit_of_entries),
	US_TEST("CRY-013 CRY-061", an_output_list_has_1_to_its_limit_of_entries),
	US_TEST("CRY-015 CRY-079", a_list_that_can_not_be_read_is_a_list_fault),
	US_TEST("CRY-015", a_list_does_not_wrap_around_the_end_of_the_address_space),
	US_TEST("CRY-015", a_list_that_would_wrap_faults_at_0_whatever_is_there),
	US_TEST("CRY-016 CRY-079", an_entry_that_is_wrong_is_named_and_nothing_is_written),
	US_TEST("CRY-016 CRY-030", a_fragment_may_reach_to_the_last_byte_of_the_address_space),
	US_TEST("CRY-017", the_lengths_of_a_list_add_up_to_length),
	US_TEST("CRY-014", a_list_that_is_wrong_causes_no_byte_to_be_written),
	US_TEST("CRY-014", a_list_is_read_before_the_first_byte_of_data_moves),
	US_TEST("CRY-018", input_may_be_replaced_by_output_in_place),
	US_TEST("CRY-018", in_place_works_with_the_same_bytes_cut_differently),
	US_TEST("CRY-018", in_place_works_under_two_device_addresses),
	US_TEST("CRY-018", overlap_of_another_kind_writes_nothing_outside_the_output),
	{NULL, NULL, NULL},
};
