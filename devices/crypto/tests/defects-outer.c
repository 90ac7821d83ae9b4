/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes that hardware and models have been known to make, each small enough to be overlooked: in registers, in
 * interrupt causes, and at the function's outside.
 */
#include "conform-rig.h"
#include "defect.h"

#include <linux/pci_regs.h>

#define READY CRYPTO_STATUS_READY_MASK
#define BUSY CRYPTO_STATUS_BUSY_MASK

/* -- what is played is another map ------------------------------------------------------------------------------ */

#define MAP(name, reg, field, change)                                                                                  \
	static void name(struct played *p)                                                                             \
	{                                                                                                              \
		played_field(p, reg, field)->change;                                                                   \
	}

MAP(control_reset, "CONTROL", "LAST", reset = 0)
MAP(control_reserved, "CONTROL", "LAST", width = 2)
MAP(any_write_clears, "INT_STATUS", "ERROR", onwrite = US_ONWRITE_WCLR)
MAP(wrong_message, "INT_STATUS", "ERROR", message = 2)
MAP(wrong_enable, "INT_STATUS", "REFUSED", enable_lsb = 2)
MAP(key_readable, "KEY[3]", "BYTES", flags |= US_FIELD_READ)
MAP(window_narrow, "OUT_WINDOW[15].LENGTH", "BYTES", width = 16)

/* -- registers that the model reads and writes ------------------------------------------------------------------ */

#define GET(name, which, change)                                                                                       \
	static uint64_t name(struct us_device *dev, us_addr reg)                                                       \
	{                                                                                                              \
		const uint64_t value = __real_us_get(dev, reg);                                                        \
                                                                                                                       \
		return reg == (which) ? (change) : value;                                                              \
	}

#define SET(name, condition, change)                                                                                   \
	static void name(struct us_device *dev, us_addr reg, uint64_t value)                                           \
	{                                                                                                              \
		__real_us_set(dev, reg, (condition) ? (change) : value);                                               \
	}

/* A value that does not arrive. */
#define KEEP(name, condition)                                                                                          \
	static void name(struct us_device *dev, us_addr reg, uint64_t value)                                           \
	{                                                                                                              \
		if (!(condition))                                                                                      \
			__real_us_set(dev, reg, value);                                                                \
	}

#define IS_DIGEST(reg) ((reg) >= CRYPTO_DIGEST(0) && (reg) <= CRYPTO_DIGEST(7))

GET(list_low_half, CRYPTO_IN_LIST_HI, 0)
GET(window_low_half, CRYPTO_IN_WINDOW_ADDRESS_HI(0), 0)
GET(length_16_bits, CRYPTO_LENGTH, value & 0xffff)
GET(length_limit, CRYPTO_MAX_LENGTH, value - 1)
GET(length_limit_over, CRYPTO_MAX_LENGTH, value + 16)
GET(list_aligned, CRYPTO_IN_LIST_LO, value & ~UINT64_C(15))
SET(fault_low_half, reg == CRYPTO_FAULT_HI, 0)
SET(fault_page, reg == CRYPTO_FAULT_LO, value & ~UINT64_C(4095))
SET(digest_swapped, IS_DIGEST(reg), __builtin_bswap32((uint32_t)value))
SET(busy_late, reg == CRYPTO_STATUS && value & BUSY, value ^ (BUSY | READY))
SET(no_chain_shown, reg == CRYPTO_STATUS, value & ~(uint64_t)CRYPTO_STATUS_CHAIN_MASK)
SET(blocks_done, reg == CRYPTO_BYTES_DONE, value / CRYPTO_BLOCK)
KEEP(fault_stays, reg == CRYPTO_FAULT_LO && !value)
KEEP(digest_stays, IS_DIGEST(reg) && !value)
KEEP(enable_lost, reg == CRYPTO_INT_ENABLE)
KEEP(key_stays, reg == CRYPTO_KEY(3))

static uint64_t list_limit(struct us_device *dev, us_addr reg, uint64_t mask)
{
	return __real_us_get_field(dev, reg, mask) - (mask == CRYPTO_LIMITS_WINDOW_ENTRIES_MASK);
}

static void error_stays(struct us_device *dev, us_addr reg, uint64_t mask, uint64_t value)
{
	if (mask != CRYPTO_ERROR_CODE_MASK || value)
		__real_us_set_field(dev, reg, mask, value);
}

static void refusal_forgotten(struct us_device *dev, us_addr reg, uint64_t mask, uint64_t value)
{
	__real_us_set_field(dev, reg, mask, value);
	if (mask == CRYPTO_ERROR_CODE_MASK && !value)
		__real_us_set_field(dev, reg, CRYPTO_ERROR_REFUSED_MASK, 0);
}

static void one_error_for_two(struct us_device *dev, us_addr reg, uint64_t mask, uint64_t value)
{
	__real_us_set_field(dev, reg, mask, value == CRYPTO_ERROR_CODE_NO_IV ? CRYPTO_ERROR_CODE_NO_KEY : value);
}

/* -- writes and reads of software ------------------------------------------------------------------------------- */

static bool aborting; /* ABORT is being written */

#define WRITTEN(name, before, after)                                                                                   \
	static void name(struct us_device *dev, const struct us_write *w)                                              \
	{                                                                                                              \
		struct us_write other = *w;                                                                            \
                                                                                                                       \
		before;                                                                                                \
		us_crypto_model.write(dev, &other);                                                                    \
		after;                                                                                                 \
	}

#define COMMANDED(code) (w->reg == CRYPTO_COMMAND && w->value == CRYPTO_COMMAND_CODE_##code)

WRITTEN(clears_neighbour, , if (w->reg == CRYPTO_INT_STATUS && w->value & DONE) us_lower(dev, w->reg, ERROR))
WRITTEN(unknown_ignored, if (w->reg == CRYPTO_COMMAND && (uint8_t)w->value > CRYPTO_COMMAND_CODE_ABORT) return, )
WRITTEN(word_commands, if (w->reg == CRYPTO_COMMAND && w->lanes != UINT32_MAX) return, )
WRITTEN(reset_once,
	if (COMMANDED(RESET) && __real_us_get(dev, CRYPTO_STATUS) & CRYPTO_STATUS_RESETTING_MASK) return, )
WRITTEN(key_by_word, if (w->reg == CRYPTO_KEY(7)) other.lanes = UINT32_MAX, )
WRITTEN(aborts_nothing, if (COMMANDED(ABORT) && __real_us_get(dev, CRYPTO_STATUS) & READY)
	__real_us_raise(dev, CRYPTO_INT_STATUS, ERROR), )
WRITTEN(notes_abort, aborting = COMMANDED(ABORT), aborting = false)

static void goes_on(struct us_device *dev, struct us_job *job)
{
	if (!aborting)
		__real_us_job_stop(dev, job);
}

static uint64_t met; /* the fault that the command has come to, known to software or not */

static uint64_t notes_fault(struct us_device *dev, struct crypto_command *c, struct crypto_digest *digest,
			    struct crypto_cipher *cipher, bool *finished)
{
	const uint64_t time = __real_crypto_command_step(dev, c, digest, cipher, finished);

	met = c->fault;
	return time;
}

SET(abort_keeps_fault, aborting && reg == CRYPTO_FAULT_LO, (uint32_t)met)

static unsigned looked;

static void goes_back(struct us_device *dev, us_addr reg)
{
	us_crypto_model.read(dev, reg);
	if (reg == CRYPTO_BYTES_DONE && ++looked % 7 == 0)
		__real_us_set(dev, reg, 0);
}

/* -- causes ----------------------------------------------------------------------------------------------------- */

#define RAISE(name, change)                                                                                            \
	static void name(struct us_device *dev, us_addr reg, uint64_t bits)                                            \
	{                                                                                                              \
		change;                                                                                                \
		if (bits)                                                                                              \
			__real_us_raise(dev, reg, bits);                                                               \
	}

RAISE(only_enabled, bits &= __real_us_get(dev, CRYPTO_INT_ENABLE))
RAISE(only_clear, bits &= ~__real_us_get(dev, CRYPTO_INT_STATUS))
RAISE(refused_silently, bits &= ~(uint64_t)REFUSED)
RAISE(refused_as_error, if (bits == REFUSED)
	__real_us_set_field(dev, CRYPTO_ERROR, CRYPTO_ERROR_CODE_MASK, CRYPTO_ERROR_REFUSED_BUSY))
RAISE(abort_silent, bits = aborting ? 0 : bits)
RAISE(abort_done, bits = aborting ? DONE : bits)

static int done_at_once(struct us_device *dev, struct us_job *job, uint64_t delay)
{
	const int rc = __real_us_job_start(dev, job, delay);

	__real_us_raise(dev, CRYPTO_INT_STATUS, DONE);
	return rc;
}

/* -- what the seam lets through --------------------------------------------------------------------------------- */

#define BEND_WRITE(name, change)                                                                                       \
	static int name##_write(struct us_function *fn, unsigned region, uint64_t offset, unsigned width,              \
				uint64_t value)                                                                        \
	{                                                                                                              \
		change;                                                                                                \
		return straight->write(fn, region, offset, width, value);                                              \
	}                                                                                                              \
	static void name(struct us_player *player)                                                                     \
	{                                                                                                              \
		player->write = name##_write;                                                                          \
	}

#define BEND_MASK(name, change)                                                                                        \
	static int name##_mask(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)                 \
	{                                                                                                              \
		const int rc = straight->irq_mask(fn, kind, n, masked);                                                \
                                                                                                                       \
		change;                                                                                                \
		return rc;                                                                                             \
	}                                                                                                              \
	static void name(struct us_player *player)                                                                     \
	{                                                                                                              \
		player->irq_mask = name##_mask;                                                                        \
	}

BEND_WRITE(always_master, if (region == US_REGION_CONFIG && offset == PCI_COMMAND) value |= PCI_COMMAND_MASTER)
BEND_WRITE(reset_takes_master, if (!region && offset == CRYPTO_COMMAND && value == CRYPTO_COMMAND_CODE_RESET)
	straight->write(fn, US_REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY))
BEND_WRITE(no_d3hot,
	   if (region == US_REGION_CONFIG && (int)offset == us_fn_capability(fn, PCI_CAP_ID_PM) + PCI_PM_CTRL) return 0)
BEND_WRITE(any_byte_commands, if (!region && offset == CRYPTO_COMMAND + 1) offset--)
BEND_WRITE(upper_first, if (!region && width == 8) {
	straight->write(fn, region, offset + 4, 4, value >> 32);
	width = 4;
	value = (uint32_t)value;
})
BEND_MASK(not_lowered, if (kind == US_INTX && !masked) us_fn_came(fn, 0, 1))
BEND_MASK(lost_while_masked, if (!masked) {
	fn->irq_pending -= !!fn->came[n];
	fn->came[n] = 0;
})

static int unmasked(struct us_function *fn, enum us_irq_kind kind, unsigned n, bool masked)
{
	return kind == US_INTX ? straight->irq_mask(fn, kind, n, masked) : 0;
}

static void mask_ignored(struct us_player *player)
{
	player->irq_mask = unmasked;
}

void outer_defects_forget(void)
{
	aborting = false;
	met = 0;
	looked = 0;
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

const struct defect outer_defects[] = {
	{"wrong reset value of CONTROL.LAST",
	 "registers.control_begins_as_a_command_of_its_own_with_lists_in_memory", .map = control_reset},
	{"a reserved bit keeps what is written",
	 "registers.reserved_bits_and_offsets_read_as_0_and_ignore_writes", .map = control_reserved},
	{"a write of 8 bytes writes the upper register first",
	 "registers.an_8_byte_write_writes_the_lower_register_first", .bend = upper_first},
	{"the length of the last window entry has 16 bits",
	 "registers.reserved_bits_and_offsets_read_as_0_and_ignore_writes", .map = window_narrow},
	{"a key register reads back",
	 "algorithms.key_and_iv_never_read_back_and_outlive_commands", .map = key_readable, .us_set = key_stays},
	{"the digest's bytes in the other order",
	 "algorithms.the_one_block_message_of_fips_180_4_digests_as_published", .us_set = digest_swapped},
	{"LENGTH has 16 bits",
	 "algorithms.every_length_around_a_block_and_a_page_digests_like_libcrypto", .us_get = length_16_bits},
	{"MAX_LENGTH itself is too long",
	 "algorithms.a_digest_may_have_max_length_and_no_byte_more", .us_get = length_limit},
	{"a block more than MAX_LENGTH is taken",
	 "algorithms.a_cipher_may_have_max_length_and_no_block_more", .us_get = length_limit_over},
	{"one written byte of the key stands for four",
	 "algorithms.no_key_or_half_a_key_is_no_key", .written = key_by_word},
	{"one error code for two errors",
	 "algorithms.no_iv_or_half_an_iv_is_no_iv", .us_set_field = one_error_for_two},
	{"STATUS.CHAIN is never set",
	 "algorithms.a_chain_of_digests_is_one_digest", .us_set = no_chain_shown},
	{"DIGEST is not cleared by the next digest",
	 "algorithms.the_digest_stays_through_cipher_commands_and_goes_with_the_next_digest", .us_set = digest_stays},
	{"BYTES_DONE counts blocks",
	 "algorithms.every_number_of_blocks_around_a_page_is_ciphered_like_libcrypto", .us_set = blocks_done},
	{"the high half of a list's address ignored",
	 "lists.all_64_bits_of_an_address_count", .us_get = list_low_half},
	{"the high half of a fragment's address in the window ignored",
	 "lists.all_64_bits_of_an_address_count", .us_get = window_low_half},
	{"a list's address is rounded down",
	 "lists.a_list_address_is_a_multiple_of_16", .us_get = list_aligned},
	{"the window has one entry less",
	 "lists.a_list_has_1_to_its_limit_of_entries", .us_get_field = list_limit},
	{"a byte that is not COMMAND's first starts a command",
	 "commands.only_byte_0_of_command_starts_something", .bend = any_byte_commands},
	{"only a write of 4 bytes starts a command",
	 "commands.only_byte_0_of_command_starts_something", .written = word_commands},
	{"STATUS.BUSY comes late",
	 "commands.a_command_is_busy_at_once_and_ready_when_its_cause_is_set", .us_set = busy_late},
	{"done before it is done",
	 "commands.a_command_is_busy_at_once_and_ready_when_its_cause_is_set", .us_job_start = done_at_once},
	{"progress goes back",
	 "commands.progress_never_goes_back", .reading = goes_back},
	{"an unknown command is ignored",
	 "commands.every_value_that_is_no_command_is_an_unknown_command", .written = unknown_ignored},
	{"ERROR.CODE stays until the next error",
	 "commands.a_command_works_after_each_error_and_error_code_goes_with_it", .us_set_field = error_stays},
	{"ERROR.REFUSED goes with the next command",
	 "commands.the_code_of_a_refusal_stays_until_a_reset", .us_set_field = refusal_forgotten},
	{"FAULT stays until the next fault",
	 "commands.a_command_works_after_each_error_and_error_code_goes_with_it", .us_set = fault_stays},
	{"a refused command changes ERROR.CODE",
	 "commands.a_command_while_one_runs_is_refused_and_disturbs_nothing", .us_raise = refused_as_error},
	{"a refused command sets no cause",
	 "commands.a_command_while_one_runs_is_refused_and_disturbs_nothing", .us_raise = refused_silently},
	{"DMA while bus mastering is off",
	 "commands.without_bus_master_a_command_that_needs_memory_fails_and_moves_nothing", .bend = always_master},
	{"FAULT names the page",
	 "commands.memory_that_can_not_be_reached_is_named_to_the_byte", .us_set = fault_page},
	{"the high half of FAULT is 0",
	 "commands.memory_that_can_not_be_reached_is_named_to_the_byte", .us_set = fault_low_half},
	{"DMA goes on after an abort",
	 "ends.an_abort_ends_a_command_at_any_stage", .written = notes_abort, .us_job_stop = goes_on},
	{"an abort sets no cause",
	 "ends.an_abort_ends_a_command_at_any_stage", .written = notes_abort, .us_raise = abort_silent},
	{"an aborted command is done",
	 "ends.an_abort_ends_a_command_at_any_stage", .written = notes_abort, .us_raise = abort_done},
	{"FAULT is not cleared by an abort",
	 "ends.an_abort_of_a_command_that_is_about_to_fail_leaves_no_fault",
	 .written = notes_abort, .crypto_command_step = notes_fault, .us_set = abort_keeps_fault},
	{"an abort of nothing is an error",
	 "ends.an_abort_of_nothing_does_nothing", .written = aborts_nothing},
	{"RESET in a reset is ignored",
	 "ends.a_reset_in_a_reset_begins_anew", .written = reset_once},
	{"RESET turns bus mastering off",
	 "ends.the_reset_command_leaves_config_space_alone", .bend = reset_takes_master},
	{"the return from D3hot is no reset",
	 "ends.the_return_from_d3hot_is_a_reset", .bend = no_d3hot},
	{"W1C clears its neighbour",
	 "interrupts.a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only",
	 .written = clears_neighbour},
	{"any write clears a cause",
	 "interrupts.a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only", .map = any_write_clears},
	{"a cause is only set where it is enabled",
	 "interrupts.a_cause_is_set_without_being_enabled_and_cleared_by_a_written_one_only", .us_raise = only_enabled},
	{"RESET clears INT_ENABLE",
	 "interrupts.the_enable_register_holds_four_bits_and_resets_to_none", .us_set = enable_lost},
	{"a cause enabled by its neighbour's bit",
	 "interrupts.the_line_is_asserted_exactly_while_an_enabled_cause_is_set", .map = wrong_enable},
	{"INTx not lowered",
	 "interrupts.the_line_is_asserted_exactly_while_an_enabled_cause_is_set", .bend = not_lowered},
	{"INTx as an edge",
	 "interrupts.the_line_stays_asserted_until_the_last_enabled_cause_is_cleared", .bend = lost_while_masked},
	{"a wrong message number",
	 "interrupts.msi_sends_a_message_for_each_cause_or_message_0_where_fewer_are_granted", .map = wrong_message},
	{"no message for a cause that is still set",
	 "interrupts.msi_x_sends_a_message_for_each_cause", .us_raise = only_clear},
	{"a message lost while it is masked",
	 "interrupts.a_masked_message_is_held_and_comes_once", .bend = lost_while_masked},
	{"the mask does nothing",
	 "interrupts.a_masked_message_is_held_and_comes_once", .bend = mask_ignored},
	{NULL, NULL},
};
