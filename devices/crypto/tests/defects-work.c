/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes in a command's work: its time, its lists, its data, its key and its chain, and what is left of it after a
 * reset.
 */
#include "conform-rig.h"
#include "defect.h"

#include <stdlib.h>
#include <string.h>

/* -- time ------------------------------------------------------------------------------------------------------- */

static int half_the_latency(struct us_device *dev, struct us_job *job, uint64_t delay)
{
	return __real_us_job_start(dev, job, delay / 2);
}

static void short_reset(struct us_device *dev, struct us_timer *timer, uint64_t delay)
{
	__real_us_timer_start(dev, timer, delay - 1);
}

static uint64_t an_entry_for_free(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
				  struct crypto_cipher *cipher, bool *finished)
{
	const bool data = c->loaded;
	const uint64_t time = __real_crypto_command_step(dev, c, digest, cipher, finished);

	return data || !time ? time : time - 1;
}

/* -- lists ------------------------------------------------------------------------------------------------------ */

static bool is_list(uint64_t addr)
{
	return addr >= RIG_LISTS && addr < RIG_LISTS + 2 * RIG_LIST_SIZE;
}

static uint8_t next_entry(struct us_device *dev, struct crypto_list *list, uint64_t total, uint64_t *fault)
{
	list->address += list->in_window ? 0 : sizeof(struct cry_entry);
	return __real_crypto_list_load(dev, list, total, fault);
}

static uint8_t longer_list(struct us_device *dev, struct crypto_list *list, uint64_t total, uint64_t *fault)
{
	const uint8_t error = __real_crypto_list_load(dev, list, total, fault);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < list->count; i++)
		sum += list->fragments[i].length;
	return error == CRYPTO_ERROR_CODE_LIST_TOTAL && sum > total ? CRYPTO_ERROR_CODE_NONE : error;
}

/* The window is looked at when its list is needed, and not when the command is started. */
static uint8_t late_window(struct us_device *dev, struct crypto_list *list, uint64_t total, uint64_t *fault)
{
	for (uint32_t i = 0; list->in_window && i < list->entries; i++) {
		const us_addr entry = list->address + i * sizeof(struct cry_entry);

		list->fragments[i].address = __real_us_get(dev, entry + 4) << 32 | __real_us_get(dev, entry);
		list->fragments[i].length = (uint32_t)__real_us_get(dev, entry + 8);
	}
	return __real_crypto_list_load(dev, list, total, fault);
}

static int list_in_its_page(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault)
{
	const size_t left = 4096 - addr % 4096;

	if (!is_list(addr) || length <= left)
		return __real_us_dma_read(dev, addr, buffer, length, fault);
	memset(buffer, 0, length);
	return __real_us_dma_read(dev, addr, buffer, left, fault) ||
	       __real_us_dma_read(dev, addr - addr % 4096, (uint8_t *)buffer + left, length - left, fault);
}

/* A list is fetched by whole pages of entries, however many it has. */
static int list_by_pages(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault)
{
	uint8_t page[4096];
	const int rc = is_list(addr) ? __real_us_dma_read(dev, addr, page, sizeof page, fault) : 0;

	return rc ? rc : __real_us_dma_read(dev, addr, buffer, length, fault);
}

static int reserved_unseen(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault)
{
	const int rc = __real_us_dma_read(dev, addr, buffer, length, fault);

	for (size_t i = 12; is_list(addr) && i < length; i += 16)
		memset((uint8_t *)buffer + i, 0, 4);
	return rc;
}

/* -- data ------------------------------------------------------------------------------------------------------- */

static int one_byte_more(struct us_device *dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault)
{
	uint8_t more[RIG_SMALL];

	if (length >= sizeof more)
		return __real_us_dma_write(dev, addr, buffer, length, fault);
	memcpy(more, buffer, length);
	more[length] = 0xdb;
	return __real_us_dma_write(dev, addr, more, length + 1, fault);
}

static int one_byte_less(struct us_device *dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault)
{
	return __real_us_dma_write(dev, addr, buffer, length > 1 ? length - 1 : length, fault);
}

static int looks_ahead(struct us_device *dev, uint64_t addr, void *buffer, size_t length, uint64_t *fault)
{
	uint8_t next;
	const int rc = __real_us_dma_read(dev, addr, buffer, length, fault);

	return rc || is_list(addr) ? rc : __real_us_dma_read(dev, addr + length, &next, 1, fault);
}

static void *no_input_mapped(struct us_device *dev, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	return direction == US_DMA_READ ? NULL : __real_us_dma_map(dev, addr, length, direction);
}

static void *no_output_mapped(struct us_device *dev, uint64_t addr, size_t *length, enum us_dma_direction direction)
{
	return direction == US_DMA_WRITE ? NULL : __real_us_dma_map(dev, addr, length, direction);
}

/* Of a block that is cut by a fragment's end, what lies behind is lost. */
static int cut_block(struct us_device *dev, struct crypto_cursor *to, const void *buffer, uint32_t length,
		     uint64_t *fault)
{
	uint64_t address = 0;
	const uint32_t left = crypto_cursor_left(to, &address);
	const int rc = __real_crypto_scatter(dev, to, buffer, left < length ? left : length, fault);

	if (!rc && left < length)
		crypto_cursor_advance(to, length - left);
	return rc;
}

static int digest_not_written(struct us_device *dev, struct crypto_cursor *to, const void *buffer, uint32_t length,
			      uint64_t *fault)
{
	return length == CRYPTO_DIGEST_SIZE ? 0 : __real_crypto_scatter(dev, to, buffer, length, fault);
}

static bool tail_lost(struct crypto_digest *d, const void *data, size_t length)
{
	return __real_crypto_digest_update(d, data, length - length % 64);
}

static bool last_block_lost(struct crypto_cipher *c, const void *in, void *out, size_t length)
{
	return __real_crypto_cipher_update(c, in, out, length > CRYPTO_BLOCK ? length - CRYPTO_BLOCK : length);
}

/*
 * Writes wait in a buffer that only a read of a register empties: whoever trusts the interrupt alone comes too early,
 * as where a message overtakes the data before it.
 */
static struct posted {
	struct posted *next;
	uint64_t addr;
	size_t length;
	uint8_t bytes[];
} *posted;

static int posts(struct us_device *dev, uint64_t addr, const void *buffer, size_t length, uint64_t *fault)
{
	struct posted *p = malloc(sizeof *p + length);

	(void)dev;
	(void)fault;
	if (!p)
		abort();
	*p = (struct posted){posted, addr, length};
	memcpy(p->bytes, buffer, length);
	posted = p;
	return 0;
}

static void drop_posted(struct us_device *dev)
{
	for (struct posted *p = posted, *next; p; p = next) {
		next = p->next;
		if (dev)
			__real_us_dma_write(dev, p->addr, p->bytes, p->length, NULL);
		free(p);
	}
	posted = NULL;
}

static void reads_empty_posted(struct us_device *dev, us_addr reg)
{
	drop_posted(dev);
	us_crypto_model.read(dev, reg);
}

/* -- keys and chains -------------------------------------------------------------------------------------------- */

static struct {
	uint8_t key[CRYPTO_KEY_SIZE], iv[CRYPTO_BLOCK];
	bool encrypt, there;
} taken;

static bool takes(struct crypto_cipher *c, bool encrypt, const uint8_t *key, const uint8_t *iv)
{
	memcpy(taken.key, key, sizeof taken.key);
	memcpy(taken.iv, iv, sizeof taken.iv);
	taken.encrypt = encrypt;
	return __real_crypto_cipher_begin(c, encrypt, key, iv);
}

/* Each command of a chain begins as the first did. */
static uint64_t chain_from_iv(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			      struct crypto_cipher *cipher, bool *finished)
{
	if (!c->loaded && !c->first && c->code != CRYPTO_COMMAND_CODE_DIGEST)
		__real_crypto_cipher_begin(cipher, taken.encrypt, taken.key, taken.iv);
	return __real_crypto_command_step(dev, c, digest, cipher, finished);
}

static uint64_t chain_forgets(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			      struct crypto_cipher *cipher, bool *finished)
{
	if (!c->loaded && !c->first && c->code == CRYPTO_COMMAND_CODE_DIGEST)
		crypto_digest_begin(digest);
	return __real_crypto_command_step(dev, c, digest, cipher, finished);
}

static bool iv_ignored(struct crypto_cipher *c, bool encrypt, const uint8_t *key, const uint8_t *iv)
{
	static const uint8_t zeros[CRYPTO_BLOCK];

	(void)iv;
	return __real_crypto_cipher_begin(c, encrypt, key, zeros);
}

static bool key_swapped(struct crypto_cipher *c, bool encrypt, const uint8_t *key, const uint8_t *iv)
{
	uint8_t swapped[CRYPTO_KEY_SIZE];

	for (unsigned i = 0; i < sizeof swapped; i++)
		swapped[i] = key[i ^ 3];
	return __real_crypto_cipher_begin(c, encrypt, swapped, iv);
}

/* The chaining value stays where the next command takes its IV from. */
static bool iv_moves_on(struct crypto_cipher *c, bool encrypt, const uint8_t *key, const uint8_t *iv)
{
	return __real_crypto_cipher_begin(c, encrypt, key, taken.there ? taken.iv : iv);
}

static bool keeps_last_block(struct crypto_cipher *c, const void *in, void *out, size_t length)
{
	const bool good = __real_crypto_cipher_update(c, in, out, length);

	memcpy(taken.iv, (const uint8_t *)out + length - CRYPTO_BLOCK, CRYPTO_BLOCK);
	taken.there = true;
	return good;
}

/* The size tells a register's copy of a secret (with a bit for each byte) from other things that are wiped. */
static void key_outlives(void *at, size_t size)
{
	if (size != CRYPTO_KEY_SIZE + sizeof(uint32_t))
		__real_OPENSSL_cleanse(at, size);
}

/* -- resets ----------------------------------------------------------------------------------------------------- */

static struct us_timer stray; /* what is left of the old command */

static void stray_byte(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	__real_us_dma_write(dev, RIG_OUT + 100, "!", 1, NULL);
}

static void stray_cause(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	__real_us_raise(dev, CRYPTO_INT_STATUS, DONE);
}

#define STRAY(name, condition, delay, what)                                                                            \
	static void name(struct us_device *dev, enum us_reset kind)                                                    \
	{                                                                                                              \
		us_crypto_model.reset(dev, kind);                                                                      \
		if (!(condition))                                                                                      \
			return;                                                                                        \
		stray.expired = what;                                                                                  \
		__real_us_timer_start(dev, &stray, delay);                                                             \
	}

STRAY(writes_after_reset, kind == US_RESET_DEVICE, 50000, stray_byte)
STRAY(writes_after_flr, kind == US_RESET_FLR || kind == US_RESET_CONVENTIONAL, 50000, stray_byte)
STRAY(writes_after_d3hot, kind == US_RESET_D3HOT, 15000000, stray_byte)
STRAY(interrupts_after_reset, kind == US_RESET_DEVICE, 50000, stray_cause)
STRAY(cause_after_flr, kind == US_RESET_FLR || kind == US_RESET_CONVENTIONAL, 50000, stray_cause)

void work_defects_forget(void)
{
	drop_posted(NULL);
	memset(&taken, 0, sizeof taken);
	stray = (struct us_timer){0};
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

const struct defect work_defects[] = {
	{"the tail of a message that fills no block is lost",
	 "algorithms.every_length_around_a_block_and_a_page_digests_like_libcrypto", .crypto_digest_update = tail_lost},
	{"the last block of a run is lost",
	 "algorithms.every_number_of_blocks_around_a_page_is_ciphered_like_libcrypto",
	 .crypto_cipher_update = last_block_lost},
	{"the key's bytes in the other order",
	 "algorithms.the_vector_of_sp_800_38a_encrypts_and_decrypts_as_published", .crypto_cipher_begin = key_swapped},
	{"the initialisation vector is not used",
	 "algorithms.the_vector_of_sp_800_38a_encrypts_and_decrypts_as_published", .crypto_cipher_begin = iv_ignored},
	{"the next command takes the chaining value for its IV",
	 "algorithms.key_and_iv_never_read_back_and_outlive_commands",
	 .crypto_cipher_begin = iv_moves_on, .crypto_cipher_update = keeps_last_block},
	{"a chain of ciphers begins with the IV each time",
	 "algorithms.a_chain_of_ciphers_is_one_message_whatever_becomes_of_key_and_iv",
	 .crypto_cipher_begin = takes, .crypto_command_step = chain_from_iv},
	{"a chain of digests forgets the message so far",
	 "algorithms.a_chain_of_digests_is_one_digest", .crypto_command_step = chain_forgets},
	{"the digest goes to its registers only",
	 "algorithms.the_digest_goes_to_memory_too_when_there_is_an_output_list", .crypto_scatter = digest_not_written},
	{"DMA one byte too long",
	 "lists.input_and_output_may_be_cut_anywhere_and_differently", .us_dma_write = one_byte_more},
	{"DMA one byte too short",
	 "lists.input_and_output_may_be_cut_anywhere_and_differently", .us_dma_write = one_byte_less},
	{"what lies behind a fragment's end in a block is lost",
	 "lists.input_and_output_may_be_cut_anywhere_and_differently", .crypto_scatter = cut_block},
	{"a list is fetched by whole pages",
	 "lists.nothing_behind_the_last_entry_and_the_last_byte_is_read_or_written", .us_dma_read = list_by_pages},
	{"input is read one byte too far",
	 "lists.nothing_behind_the_last_entry_and_the_last_byte_is_read_or_written",
	 .us_dma_map = no_input_mapped, .us_dma_read = looks_ahead},
	{"the list off by one entry",
	 "lists.digests_read_fragments_of_every_shape", .crypto_list_load = next_entry},
	{"the list stays in its page",
	 "lists.a_list_may_cross_pages_and_begin_anywhere_in_one", .us_dma_read = list_in_its_page},
	{"reserved bits of an entry are not looked at",
	 "lists.an_entry_that_is_wrong_is_named_and_nothing_is_written", .us_dma_read = reserved_unseen},
	{"a list longer than LENGTH is taken",
	 "lists.the_lengths_of_a_list_add_up_to_length", .crypto_list_load = longer_list},
	{"half the latency",
	 "commands.a_command_takes_its_stated_time", .us_job_start = half_the_latency},
	{"one list entry takes no time",
	 "commands.a_command_takes_its_stated_time", .crypto_command_step = an_entry_for_free},
	{"the window is read when it is needed, not when the command starts",
	 "commands.registers_and_windows_may_be_rewritten_while_a_command_runs", .crypto_list_load = late_window},
	{"a byte by DMA after the command RESET",
	 "ends.the_reset_command_ends_everything_at_any_stage", .was_reset = writes_after_reset},
	{"a byte by DMA after function level reset",
	 "ends.function_level_reset_ends_everything_at_any_stage", .was_reset = writes_after_flr},
	{"a byte by DMA after D3hot",
	 "ends.the_return_from_d3hot_is_a_reset", .was_reset = writes_after_d3hot},
	{"a cause of the old command after function level reset",
	 "ends.function_level_reset_ends_everything_at_any_stage", .was_reset = cause_after_flr},
	{"the key outlives a reset",
	 "ends.the_reset_command_ends_everything_at_any_stage", .OPENSSL_cleanse = key_outlives},
	{"RESET is over a nanosecond too early",
	 "ends.the_reset_command_ends_everything_at_any_stage", .us_timer_start = short_reset},
	{"the interrupt comes before the data",
	 "interrupts.whoever_sees_the_interrupt_sees_the_data",
	 .us_dma_map = no_output_mapped, .us_dma_write = posts, .reading = reads_empty_posted},
	{"an interrupt of the old command after the command RESET",
	 "interrupts.after_a_reset_no_message_of_the_old_command_comes", .was_reset = interrupts_after_reset},
	{NULL, NULL},
};
