/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto accelerator's model: what its registers do. The specification is crypto.rdl; CRY-nnn below are its
 * numbers.
 *
 *     crypto.c    registers, the start and the end of a command, reset, abort
 *     command.c   the work of a command, in steps
 *     list.c      lists of memory fragments
 *     digest.c, cipher.c   libcrypto
 */
#include "command.h"

#include "crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

extern const struct us_map crypto_map; /* made from crypto.rdl */

#define RESET_TIME 10000 /* ns: CRY-040 */
#define IV_SIZE CRYPTO_BLOCK

/* A secret that software writes byte by byte and never reads back. */
struct secret {
	uint8_t bytes[CRYPTO_KEY_SIZE];
	uint32_t written; /* a bit for each byte */
};

struct crypto {
	struct secret key, iv;
	struct crypto_digest digest;
	struct crypto_cipher cipher;
	uint8_t chain; /* command code of the open chain, or 0 */
	struct us_timer reset_timer;
	struct us_job job;
	struct crypto_command command;
};

/* -- status ------------------------------------------------------------------------------------------------------- */

/* One of READY, BUSY, RESETTING; the rest follows from the state. */
static void show_status(struct us_device *dev, uint64_t activity)
{
	struct crypto *c = us_state(dev);

	if (c->key.written == UINT32_MAX)
		activity |= CRYPTO_STATUS_KEY_SET_MASK;
	if (c->iv.written == UINT16_MAX)
		activity |= CRYPTO_STATUS_IV_SET_MASK;
	if (c->chain)
		activity |= CRYPTO_STATUS_CHAIN_MASK;
	us_set(dev, CRYPTO_STATUS, activity);
}

static uint64_t activity(struct us_device *dev)
{
	return us_get(dev, CRYPTO_STATUS) &
	       (CRYPTO_STATUS_READY_MASK | CRYPTO_STATUS_BUSY_MASK | CRYPTO_STATUS_RESETTING_MASK);
}

static void close_chain(struct crypto *c)
{
	c->chain = 0;
	crypto_digest_forget(&c->digest);
	crypto_cipher_forget(&c->cipher);
}

/* -- end of a command --------------------------------------------------------------------------------------------- */

static void show_digest(struct us_device *dev, const uint8_t *digest)
{
	for (unsigned i = 0; i < CRYPTO_DIGEST_COUNT; i++, digest += 4)
		us_set(dev, CRYPTO_DIGEST(i), digest[0] | digest[1] << 8 | digest[2] << 16 | (uint32_t)digest[3] << 24);
}

/* Everything that software may look at is in place before the cause is set: CRY-022, CRY-023. */
static void end(struct us_device *dev)
{
	struct crypto *c = us_state(dev);
	struct crypto_command *cmd = &c->command;

	us_set(dev, CRYPTO_BYTES_DONE, cmd->moved);
	us_set_field(dev, CRYPTO_ERROR, CRYPTO_ERROR_CODE_MASK, cmd->error);
	us_set(dev, CRYPTO_FAULT_LO, (uint32_t)cmd->fault);
	us_set(dev, CRYPTO_FAULT_HI, cmd->fault >> 32);
	if (!cmd->error && cmd->last && cmd->code == CRYPTO_COMMAND_CODE_DIGEST)
		show_digest(dev, cmd->digest);
	if (cmd->error || cmd->last)
		close_chain(c);
	else
		c->chain = cmd->code;
	show_status(dev, CRYPTO_STATUS_READY_MASK);
	us_log(dev, "command ended: %u of %u bytes, error %u", cmd->moved, cmd->length, cmd->error);
	us_raise(dev, CRYPTO_INT_STATUS, cmd->error ? CRYPTO_INT_STATUS_ERROR_MASK : CRYPTO_INT_STATUS_DONE_MASK);
}

static uint64_t job_step(struct us_device *dev, struct us_job *job)
{
	struct crypto *c = us_state(dev);

	return crypto_command_step(dev, &c->command, &c->digest, &c->cipher, &job->finished);
}

static void job_done(struct us_device *dev, struct us_job *job)
{
	(void)job;
	end(dev);
}

static void end_with(struct us_device *dev, uint8_t error)
{
	struct crypto *c = us_state(dev);

	c->command.error = error;
	c->command.fault = 0;
	end(dev);
}

static void abort_command(struct us_device *dev)
{
	struct crypto *c = us_state(dev);

	if (activity(dev) != CRYPTO_STATUS_BUSY_MASK)
		return;
	us_job_stop(dev, &c->job);
	end_with(dev, CRYPTO_ERROR_CODE_ABORTED);
}

/* -- start of a command ------------------------------------------------------------------------------------------- */

static bool is_cipher(const struct crypto_command *cmd)
{
	return cmd->code == CRYPTO_COMMAND_CODE_ENCRYPT || cmd->code == CRYPTO_COMMAND_CODE_DECRYPT;
}

static uint64_t get_pair(struct us_device *dev, us_addr low, us_addr high)
{
	return us_get(dev, high) << 32 | us_get(dev, low);
}

static uint64_t window_stride(void)
{
	return CRYPTO_IN_WINDOW_ADDRESS_LO(1) - CRYPTO_IN_WINDOW_ADDRESS_LO(0);
}

/* The entries of a window, laid out as in memory. */
static void copy_window(struct us_device *dev, us_addr window, struct crypto_list *list)
{
	for (unsigned i = 0; i < list->entries && i < CRYPTO_IN_WINDOW_COUNT; i++) {
		us_addr entry = window + i * window_stride();

		list->fragments[i] = (struct crypto_fragment){
			.address = get_pair(dev, entry, entry + 4),
			.length = (uint32_t)us_get(dev, entry + 8),
		};
	}
}

/* Copies everything that the command is about: software may write the registers while it runs (CRY-021). */
static void latch(struct us_device *dev, struct crypto_command *cmd, uint8_t code)
{
	uint64_t control = us_get(dev, CRYPTO_CONTROL);

	cmd->code = code;
	cmd->first = control & CRYPTO_CONTROL_FIRST_MASK;
	cmd->last = control & CRYPTO_CONTROL_LAST_MASK;
	cmd->length = (uint32_t)us_get(dev, CRYPTO_LENGTH);
	cmd->in.in_window = control & CRYPTO_CONTROL_IN_WINDOW_MASK;
	cmd->in.address = cmd->in.in_window ? CRYPTO_IN_WINDOW_ADDRESS_LO(0)
					    : get_pair(dev, CRYPTO_IN_LIST_LO, CRYPTO_IN_LIST_HI);
	cmd->in.entries = (uint32_t)us_get(dev, CRYPTO_IN_COUNT);
	cmd->out.in_window = control & CRYPTO_CONTROL_OUT_WINDOW_MASK;
	cmd->out.address = cmd->out.in_window ? CRYPTO_OUT_WINDOW_ADDRESS_LO(0)
					      : get_pair(dev, CRYPTO_OUT_LIST_LO, CRYPTO_OUT_LIST_HI);
	cmd->out.entries = (uint32_t)us_get(dev, CRYPTO_OUT_COUNT);
	if (code == CRYPTO_COMMAND_CODE_DIGEST && !cmd->last)
		cmd->out.entries = 0; /* CRY-061 */
	if (cmd->in.in_window)
		copy_window(dev, CRYPTO_IN_WINDOW_ADDRESS_LO(0), &cmd->in);
	if (cmd->out.in_window)
		copy_window(dev, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), &cmd->out);
	cmd->loaded = false;
	cmd->moved = 0;
	cmd->error = CRYPTO_ERROR_CODE_NONE;
	cmd->fault = 0;
}

static bool bad_length(struct us_device *dev, const struct crypto_command *cmd)
{
	return cmd->length > us_get(dev, CRYPTO_MAX_LENGTH) ||
	       (is_cipher(cmd) && (!cmd->length || cmd->length % CRYPTO_BLOCK));
}

static bool bad_count(struct us_device *dev, const struct crypto_list *list)
{
	uint64_t mask = list->in_window ? CRYPTO_LIMITS_WINDOW_ENTRIES_MASK : CRYPTO_LIMITS_LIST_ENTRIES_MASK;

	return !list->entries || list->entries > us_get_field(dev, CRYPTO_LIMITS, mask);
}

static bool bad_counts(struct us_device *dev, const struct crypto_command *cmd)
{
	if (cmd->length ? bad_count(dev, &cmd->in) : cmd->in.entries)
		return true;
	return (is_cipher(cmd) || cmd->out.entries) && bad_count(dev, &cmd->out);
}

static bool bad_list(const struct crypto_list *list)
{
	return list->entries && list->address % 16;
}

/* In the order of CRY-025. */
static uint8_t check(struct us_device *dev, const struct crypto *c)
{
	const struct crypto_command *cmd = &c->command;

	if (cmd->code != CRYPTO_COMMAND_CODE_DIGEST && !is_cipher(cmd))
		return CRYPTO_ERROR_CODE_UNKNOWN_COMMAND;
	if (bad_length(dev, cmd))
		return CRYPTO_ERROR_CODE_BAD_LENGTH;
	if (bad_counts(dev, cmd))
		return CRYPTO_ERROR_CODE_BAD_COUNT;
	if (bad_list(&cmd->in) || bad_list(&cmd->out))
		return CRYPTO_ERROR_CODE_BAD_LIST;
	if (!cmd->first && cmd->code != c->chain)
		return CRYPTO_ERROR_CODE_NO_CHAIN;
	if (is_cipher(cmd) && cmd->first && c->key.written != UINT32_MAX)
		return CRYPTO_ERROR_CODE_NO_KEY;
	if (is_cipher(cmd) && cmd->first && c->iv.written != UINT16_MAX)
		return CRYPTO_ERROR_CODE_NO_IV;
	return CRYPTO_ERROR_CODE_NONE;
}

static bool open_chain(struct crypto *c)
{
	if (c->command.code == CRYPTO_COMMAND_CODE_DIGEST)
		return crypto_digest_begin(&c->digest);
	return crypto_cipher_begin(&c->cipher, c->command.code == CRYPTO_COMMAND_CODE_ENCRYPT, c->key.bytes,
				   c->iv.bytes);
}

static void refuse(struct us_device *dev)
{
	us_set_field(dev, CRYPTO_ERROR, CRYPTO_ERROR_REFUSED_MASK, CRYPTO_ERROR_REFUSED_BUSY);
	us_raise(dev, CRYPTO_INT_STATUS, CRYPTO_INT_STATUS_REFUSED_MASK);
}

static void start(struct us_device *dev, uint8_t code)
{
	static const uint8_t no_digest[CRYPTO_DIGEST_SIZE];
	struct crypto *c = us_state(dev);
	uint8_t error;

	if (activity(dev) != CRYPTO_STATUS_READY_MASK) {
		refuse(dev);
		return;
	}
	latch(dev, &c->command, code);
	us_set(dev, CRYPTO_BYTES_DONE, 0);
	us_set_field(dev, CRYPTO_ERROR, CRYPTO_ERROR_CODE_MASK, CRYPTO_ERROR_CODE_NONE);
	us_set(dev, CRYPTO_FAULT_LO, 0);
	us_set(dev, CRYPTO_FAULT_HI, 0);
	if (code == CRYPTO_COMMAND_CODE_DIGEST)
		show_digest(dev, no_digest);
	error = check(dev, c);
	if (!error && c->command.first) {
		close_chain(c);
		if (!open_chain(c))
			error = CRYPTO_ERROR_CODE_ENGINE_FAULT;
	}
	if (error) {
		end_with(dev, error);
		return;
	}
	show_status(dev, CRYPTO_STATUS_BUSY_MASK);
	us_job_start(dev, &c->job, CRYPTO_LATENCY);
}

/* -- reset -------------------------------------------------------------------------------------------------------- */

static void reset(struct us_device *dev, enum us_reset kind)
{
	struct crypto *c = us_state(dev);

	(void)kind;
	OPENSSL_cleanse(&c->key, sizeof c->key);
	OPENSSL_cleanse(&c->iv, sizeof c->iv);
	OPENSSL_cleanse(c->command.digest, sizeof c->command.digest);
	c->command.moved = 0;
	close_chain(c);
}

static void reset_over(struct us_device *dev, struct us_timer *timer)
{
	(void)timer;
	show_status(dev, CRYPTO_STATUS_READY_MASK);
	us_raise(dev, CRYPTO_INT_STATUS, CRYPTO_INT_STATUS_RESET_DONE_MASK);
}

static void reset_command(struct us_device *dev)
{
	struct crypto *c = us_state(dev);
	uint64_t enabled = us_get(dev, CRYPTO_INT_ENABLE);

	us_reset_registers(dev);
	us_set(dev, CRYPTO_INT_ENABLE, enabled);
	show_status(dev, CRYPTO_STATUS_RESETTING_MASK);
	us_timer_start(dev, &c->reset_timer, RESET_TIME);
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

static void write_command(struct us_device *dev, uint8_t code)
{
	if (code == CRYPTO_COMMAND_CODE_RESET)
		reset_command(dev);
	else if (code == CRYPTO_COMMAND_CODE_ABORT)
		abort_command(dev);
	else
		start(dev, code);
}

/* Takes the written bytes of word `i` out of the register, so that no second copy of the secret is left behind. */
static void write_secret(struct us_device *dev, struct secret *secret, unsigned i, const struct us_write *w)
{
	for (unsigned k = 0; k < 4; k++) {
		if (w->lanes >> (8 * k) & 0xff) {
			secret->bytes[4 * i + k] = (uint8_t)(w->value >> (8 * k));
			secret->written |= UINT32_C(1) << (4 * i + k);
		}
	}
	us_set(dev, w->reg, 0);
	show_status(dev, activity(dev));
}

static void written(struct us_device *dev, const struct us_write *w)
{
	struct crypto *c = us_state(dev);

	if (w->reg == CRYPTO_COMMAND && (w->lanes & CRYPTO_COMMAND_CODE_MASK))
		write_command(dev, (uint8_t)(w->value & CRYPTO_COMMAND_CODE_MASK));
	else if (w->reg >= CRYPTO_KEY(0) && w->reg <= CRYPTO_KEY(7))
		write_secret(dev, &c->key, (unsigned)(w->reg - CRYPTO_KEY(0)) / 4, w);
	else if (w->reg >= CRYPTO_IV(0) && w->reg <= CRYPTO_IV(3))
		write_secret(dev, &c->iv, (unsigned)(w->reg - CRYPTO_IV(0)) / 4, w);
}

static void about_to_read(struct us_device *dev, us_addr reg)
{
	struct crypto *c = us_state(dev);

	if (reg == CRYPTO_BYTES_DONE)
		us_set(dev, reg, c->command.moved);
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static int create(struct us_device *dev)
{
	struct crypto *c = us_state(dev);

	c->job.step = job_step;
	c->job.done = job_done;
	c->reset_timer.expired = reset_over;
	if (crypto_digest_create(&c->digest) && crypto_cipher_create(&c->cipher))
		return 0;
	us_log(dev, "libcrypto gives no SHA-256 and AES-256-CBC");
	crypto_digest_destroy(&c->digest);
	crypto_cipher_destroy(&c->cipher);
	return -ENOMEM;
}

static void destroy(struct us_device *dev)
{
	struct crypto *c = us_state(dev);

	crypto_digest_destroy(&c->digest);
	crypto_cipher_destroy(&c->cipher);
	OPENSSL_cleanse(&c->key, sizeof c->key);
	OPENSSL_cleanse(&c->iv, sizeof c->iv);
	OPENSSL_cleanse(c->command.digest, sizeof c->command.digest);
}

US_MODEL(.map = &crypto_map, .state_size = sizeof(struct crypto), .create = create, .destroy = destroy, .reset = reset,
	 .read = about_to_read, .write = written);
