/* SPDX-License-Identifier: Apache-2.0 */
/* From causes to INTx, MSI and MSI-X. */
#include "rig.h"
#include "zoo.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESS UINT64_C(0x1fee00040)
#define DATA 0x4af0u
#define ALL 0x1fu

static struct rig *rig;
static uint32_t msi, msix;

static int open_with(struct rig *(*open_rig)(const struct us_model *))
{
	rig = open_rig(&zoo_model);
	msi = rig_capability(rig, PCI_CAP_ID_MSI);
	msix = rig_capability(rig, PCI_CAP_ID_MSIX);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	return 0;
}

static int open_zoo(void **state)
{
	(void)state;
	return open_with(rig_open);
}

static int open_routed(void **state)
{
	(void)state;
	return open_with(rig_open_routed);
}

static int close_zoo(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

static void set_command(uint16_t bits)
{
	rig_config_write(rig, PCI_COMMAND, 2, bits);
}

static const uint16_t on = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

static bool status_bit(void)
{
	return rig_config(rig, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT;
}

static void enable_msi(unsigned log2)
{
	rig_config_write(rig, msi + PCI_MSI_ADDRESS_LO, 4, (uint32_t)ADDRESS);
	rig_config_write(rig, msi + PCI_MSI_ADDRESS_HI, 4, ADDRESS >> 32);
	rig_config_write(rig, msi + PCI_MSI_DATA_64, 2, DATA);
	rig_config_write(rig, msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | log2 << 4);
}

static void mask_msi(uint32_t bits)
{
	rig_config_write(rig, msi + PCI_MSI_MASK_64, 4, bits);
}

static uint32_t msi_pending(void)
{
	return rig_config(rig, msi + PCI_MSI_PENDING_64, 4);
}

static void disable_msi(void)
{
	rig_config_write(rig, msi + PCI_MSI_FLAGS, 2, 0);
}

static void set_entry(unsigned n, uint64_t address, uint32_t data, bool masked)
{
	rig_write(rig, ZOO_TABLE + 16 * n, 8, address);
	rig_write(rig, ZOO_TABLE + 16 * n + 8, 8, data | (uint64_t)masked << 32);
}

static void enable_msix(bool function_masked)
{
	rig_config_write(rig, msix + PCI_MSIX_FLAGS, 2,
			 PCI_MSIX_FLAGS_ENABLE | (function_masked ? PCI_MSIX_FLAGS_MASKALL : 0));
}

static void raise_cause(unsigned n)
{
	us_raise(rig->dev, ZOO_STATUS, 1u << n);
}

static void clear_causes(uint32_t bits)
{
	rig_write(rig, ZOO_STATUS, 4, bits);
}

/* Exactly these messages were sent, and are forgotten now. */
static void assert_sent(enum us_irq kind, unsigned count, const unsigned *numbers)
{
	assert_int_equal(rig->messages, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(rig->message[i].kind, kind);
		assert_int_equal(rig->message[i].n, numbers[i]);
	}
	rig_forget(rig);
}

#define SENT(kind, ...)                                                                                                \
	assert_sent(kind, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned), (const unsigned[]){__VA_ARGS__})
#define NOTHING_SENT() assert_int_equal(rig->messages, 0)

/* -- INTx --------------------------------------------------------------------------------------------------------- */

static void intx_is_asserted_while_an_enabled_cause_is_set(void **state)
{
	(void)state;
	raise_cause(0);
	assert_true(rig->line);
	assert_true(status_bit());
	raise_cause(1);
	clear_causes(1);
	assert_true(rig->line);
	clear_causes(2);
	assert_false(rig->line);
	assert_false(status_bit());
	assert_int_equal(rig->rises, 1);
	assert_int_equal(rig->falls, 1);
	NOTHING_SENT();
}

static void a_disabled_cause_asserts_when_it_is_enabled(void **state)
{
	(void)state;
	rig_write(rig, ZOO_ENABLE, 4, 0);
	raise_cause(0);
	assert_false(rig->line);
	assert_false(status_bit());
	rig_write(rig, ZOO_ENABLE, 4, 1);
	assert_true(rig->line);
	rig_write(rig, ZOO_ENABLE, 4, 2);
	assert_false(rig->line);
}

static void the_disable_bit_keeps_the_line_low_and_the_status_bit_set(void **state)
{
	(void)state;
	set_command(on | PCI_COMMAND_INTX_DISABLE);
	raise_cause(0);
	assert_false(rig->line);
	assert_true(status_bit());
	set_command(on);
	assert_true(rig->line);
	set_command(on | PCI_COMMAND_INTX_DISABLE);
	assert_false(rig->line);
	assert_true(status_bit());
}

static void intx_needs_no_bus_mastering(void **state)
{
	(void)state;
	set_command(PCI_COMMAND_MEMORY);
	raise_cause(0);
	assert_true(rig->line);
}

static void a_cause_that_is_not_sticky_follows_the_hardware(void **state)
{
	(void)state;
	us_raise(rig->dev, ZOO_LEVEL, 1);
	rig_write(rig, ZOO_LEVEL, 4, 1);
	assert_true(rig->line);
	us_lower(rig->dev, ZOO_LEVEL, 1);
	assert_false(rig->line);
}

static void setting_a_cause_bit_raises_it(void **state)
{
	(void)state;
	us_set(rig->dev, ZOO_STATUS, 4);
	assert_true(rig->line);
	us_set_field(rig->dev, ZOO_STATUS, 4, 0);
	assert_false(rig->line);
}

static void a_cause_that_software_sets_interrupts_like_any_other(void **state)
{
	(void)state;
	rig_write(rig, ZOO_ALARM, 4, 1); /* an interrupt test register */
	assert_true(rig->line);
	rig_write(rig, ZOO_ALARM, 4, 0);
	assert_false(rig->line);
}

static void reset_deasserts_intx_exactly_once(void **state)
{
	static const enum us_reset kinds[] = {US_RESET_CONVENTIONAL, US_RESET_FLR, US_RESET_DEVICE};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		rig_forget(rig);
		set_command(on);
		rig_write(rig, ZOO_ENABLE, 4, ALL);
		raise_cause(0);
		raise_cause(1);
		if (kinds[i] == US_RESET_DEVICE)
			us_reset_registers(rig->dev);
		else
			us_device_reset(rig->dev, kinds[i]);
		assert_int_equal(rig->rises, 1);
		assert_int_equal(rig->falls, 1);
		assert_false(us_device_intx(rig->dev));
	}
}

static void a_function_without_a_pin_has_no_line(void **state)
{
	static struct us_map map;
	static struct us_model model;

	(void)state;
	map = zoo_map;
	map.pci.intx_pin = 0;
	model = zoo_model;
	model.map = &map;
	rig_close(rig);
	rig = rig_open(&model);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	raise_cause(0);
	assert_false(rig->line);
	assert_false(status_bit());
	assert_int_equal(us_device_irq_count(rig->dev, US_IRQ_INTX), 0);
}

static void in_d3hot_the_line_is_low(void **state)
{
	const uint32_t control = rig_capability(rig, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	(void)state;
	raise_cause(0);
	rig_config_write(rig, control, 2, 3);
	assert_false(rig->line);
	raise_cause(1);
	assert_false(rig->line);
	rig_config_write(rig, control, 2, 0); /* a reset: the causes are gone */
	assert_false(rig->line);
	assert_int_equal(us_get(rig->dev, ZOO_STATUS), 0);
}

/* -- MSI ---------------------------------------------------------------------------------------------------------- */

static void msi_is_64_bit_and_maskable(void **state)
{
	const uint32_t flags = rig_config(rig, msi + PCI_MSI_FLAGS, 2);

	(void)state;
	assert_int_equal(flags, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2 << 1);
	mask_msi(UINT32_MAX);
	assert_int_equal(rig_config(rig, msi + PCI_MSI_MASK_64, 4), 0xf);
	rig_config_write(rig, msi + PCI_MSI_PENDING_64, 4, UINT32_MAX);
	assert_int_equal(msi_pending(), 0);
	rig_config_write(rig, msi + PCI_MSI_ADDRESS_LO, 4, UINT32_MAX);
	assert_int_equal(rig_config(rig, msi + PCI_MSI_ADDRESS_LO, 4), 0xfffffffc);
}

static void the_message_number_tells_the_cause_when_all_are_granted(void **state)
{
	(void)state;
	enable_msi(2);
	for (unsigned n = 0; n < 4; n++) {
		raise_cause(n);
		assert_int_equal(rig->message[0].address, ADDRESS);
		assert_int_equal(rig->message[0].data, DATA | n);
		SENT(US_IRQ_MSI, n);
	}
	assert_false(rig->line);
}

static void with_one_granted_all_causes_are_message_0_with_unchanged_data(void **state)
{
	(void)state;
	enable_msi(0);
	rig_config_write(rig, msi + PCI_MSI_DATA_64, 2, DATA | 3);
	for (unsigned n = 0; n < 4; n++) {
		raise_cause(n);
		assert_int_equal(rig->message[0].data, DATA | 3);
		SENT(US_IRQ_MSI, 0);
	}
}

static void every_number_granted_of_every_number_asked_is_honoured(void **state)
{
	(void)state;
	for (unsigned asked = 0; asked < 6; asked++) {
		static struct us_map map;
		static struct us_model model;

		map = zoo_map;
		map.pci.msi = (uint8_t)(1 << asked);
		model = zoo_model;
		model.map = &map;
		rig_close(rig);
		rig = rig_open(&model);
		rig_write(rig, ZOO_ENABLE, 4, ALL);
		msi = rig_capability(rig, PCI_CAP_ID_MSI);
		assert_int_equal(us_device_irq_count(rig->dev, US_IRQ_MSI), 1 << asked);
		for (unsigned granted = 0; granted < 8; granted++) {
			const unsigned really = granted < asked ? granted : asked;

			enable_msi(granted);
			assert_int_equal((rig_config(rig, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE) >> 4, really);
			for (unsigned n = 0; n < 4; n++) {
				const unsigned number = n < 1u << really ? n : 0;

				raise_cause(n);
				assert_int_equal(rig->message[0].data, (DATA & ~((1u << really) - 1)) | number);
				SENT(US_IRQ_MSI, number);
			}
			disable_msi();
			clear_causes(ALL);
		}
	}
}

static void a_cause_raised_again_sends_its_message_again(void **state)
{
	(void)state;
	enable_msi(2);
	raise_cause(1);
	raise_cause(1);
	SENT(US_IRQ_MSI, 1, 1);
}

static void causes_raised_together_send_one_message_each_number(void **state)
{
	(void)state;
	enable_msi(2);
	us_raise(rig->dev, ZOO_STATUS, 0xb);
	SENT(US_IRQ_MSI, 0, 1, 3);
	enable_msi(0);
	us_raise(rig->dev, ZOO_STATUS, 0xb);
	SENT(US_IRQ_MSI, 0);
}

static void a_cause_raised_while_disabled_sends_when_enabled_once(void **state)
{
	(void)state;
	enable_msi(2);
	rig_write(rig, ZOO_ENABLE, 4, 0);
	raise_cause(2);
	raise_cause(2);
	NOTHING_SENT();
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	SENT(US_IRQ_MSI, 2);
	rig_write(rig, ZOO_ENABLE, 4, 0);
	rig_write(rig, ZOO_ENABLE, 4, ALL); /* nothing was raised since */
	NOTHING_SENT();
}

static void a_cause_cleared_while_disabled_sends_nothing(void **state)
{
	(void)state;
	enable_msi(2);
	rig_write(rig, ZOO_ENABLE, 4, 0);
	raise_cause(2);
	clear_causes(4);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	NOTHING_SENT();
}

static void a_masked_message_is_pending_until_unmasked(void **state)
{
	(void)state;
	enable_msi(2);
	mask_msi(0x2);
	raise_cause(1);
	raise_cause(1);
	raise_cause(0);
	SENT(US_IRQ_MSI, 0);
	assert_int_equal(msi_pending(), 0x2);
	mask_msi(0);
	SENT(US_IRQ_MSI, 1);
	assert_int_equal(msi_pending(), 0);
}

static void a_cause_that_is_satisfied_while_masked_takes_its_pending_bit_back(void **state)
{
	(void)state;
	enable_msi(2);
	mask_msi(0x2);
	raise_cause(1);
	clear_causes(0x2);
	assert_int_equal(msi_pending(), 0);
	raise_cause(1);
	assert_int_equal(msi_pending(), 0x2);
	clear_causes(0x2);
	mask_msi(0);
	NOTHING_SENT();
}

static void message_0_is_pending_for_all_causes_when_one_is_granted(void **state)
{
	(void)state;
	enable_msi(0);
	mask_msi(0x1);
	raise_cause(3);
	raise_cause(1);
	assert_int_equal(msi_pending(), 0x1);
	clear_causes(0x8);
	assert_int_equal(msi_pending(), 0x1);
	mask_msi(0);
	SENT(US_IRQ_MSI, 0);
}

static void without_bus_mastering_messages_wait(void **state)
{
	(void)state;
	enable_msi(2);
	set_command(PCI_COMMAND_MEMORY);
	raise_cause(1);
	raise_cause(0);
	NOTHING_SENT();
	assert_false(rig->line);
	set_command(on);
	SENT(US_IRQ_MSI, 0, 1);
}

static void enabling_msi_lowers_intx_and_disabling_raises_it_again(void **state)
{
	(void)state;
	raise_cause(0);
	assert_true(rig->line);
	enable_msi(2);
	assert_false(rig->line);
	assert_false(status_bit());
	SENT(US_IRQ_MSI, 0); /* it was raised, and no message had told of it */
	disable_msi();
	assert_true(rig->line);
	assert_true(status_bit());
}

static void in_d3hot_no_message_is_sent_and_reset_drops_what_waits(void **state)
{
	const uint32_t control = rig_capability(rig, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	(void)state;
	enable_msi(2);
	rig_config_write(rig, control, 2, 3);
	raise_cause(0);
	NOTHING_SENT();
	rig_config_write(rig, control, 2, 0);
	set_command(on);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	enable_msi(2);
	NOTHING_SENT();
}

static void reset_drops_pending_messages(void **state)
{
	(void)state;
	enable_msi(2);
	mask_msi(0xf);
	raise_cause(0);
	us_reset_registers(rig->dev);
	assert_int_equal(msi_pending(), 0);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	mask_msi(0);
	NOTHING_SENT();
	assert_true(rig_config(rig, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE); /* config space is left alone */
	us_device_reset(rig->dev, US_RESET_FLR);
	assert_false(rig_config(rig, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE);
}

static void without_masking_the_capability_is_short(void **state)
{
	static struct us_map map;
	static struct us_model model;

	(void)state;
	map = zoo_map;
	map.pci.msi_masking = false;
	model = zoo_model;
	model.map = &map;
	rig_close(rig);
	rig = rig_open(&model);
	msi = rig_capability(rig, PCI_CAP_ID_MSI);
	assert_false(rig_config(rig, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_MASKBIT);
	assert_int_equal(rig_config(rig, msi + PCI_CAP_LIST_NEXT, 1), msi + 16);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	enable_msi(2);
	raise_cause(3);
	SENT(US_IRQ_MSI, 3);
}

/* -- MSI-X -------------------------------------------------------------------------------------------------------- */

static void every_vector_is_masked_after_reset(void **state)
{
	(void)state;
	set_entry(0, ADDRESS, DATA, false);
	us_device_reset(rig->dev, US_RESET_FLR);
	set_command(on);
	for (unsigned n = 0; n < ZOO_MSIX; n++)
		assert_int_equal(rig_read(rig, ZOO_TABLE + 16 * n + PCI_MSIX_ENTRY_VECTOR_CTRL, 4), 1);
}

static void the_capability_tells_where_table_and_pending_bits_are(void **state)
{
	(void)state;
	assert_int_equal(rig_config(rig, msix + PCI_MSIX_FLAGS, 2), ZOO_MSIX - 1);
	assert_int_equal(rig_config(rig, msix + PCI_MSIX_TABLE, 4), 0x8000 | 2);
	assert_int_equal(rig_config(rig, msix + PCI_MSIX_PBA, 4), 0x9000 | 2);
	assert_int_equal(us_device_irq_count(rig->dev, US_IRQ_MSIX), ZOO_MSIX);
}

static void a_vector_sends_the_address_and_data_of_its_entry(void **state)
{
	(void)state;
	set_entry(1, ADDRESS + 0x100, 0xdeadbeef, false);
	set_entry(3, ADDRESS + 0x200, 3, false);
	enable_msix(false);
	raise_cause(1);
	assert_int_equal(rig->message[0].address, ADDRESS + 0x100);
	assert_int_equal(rig->message[0].data, 0xdeadbeef);
	SENT(US_IRQ_MSIX, 1);
	raise_cause(3);
	assert_int_equal(rig->message[0].address, ADDRESS + 0x200);
	SENT(US_IRQ_MSIX, 3);
}

static void a_masked_vector_shows_in_the_pending_bits(void **state)
{
	(void)state;
	raise_cause(2);
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 0); /* MSI-X is not enabled: it is INTx that waits */
	enable_msix(false);
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 1 << 2);
	assert_int_equal(rig_read(rig, ZOO_PBA, 4), 1 << 2);
	assert_int_equal(rig_read(rig, ZOO_PBA + 4, 4), 0);
	rig_write(rig, ZOO_PBA, 8, 0); /* read-only */
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 1 << 2);
	set_entry(2, ADDRESS, DATA, false);
	SENT(US_IRQ_MSIX, 2);
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 0);
}

static void the_function_mask_masks_every_vector(void **state)
{
	(void)state;
	set_entry(0, ADDRESS, DATA, false);
	set_entry(1, ADDRESS, DATA, false);
	enable_msix(true);
	raise_cause(0);
	raise_cause(1);
	NOTHING_SENT();
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 0x3);
	clear_causes(1);
	enable_msix(false);
	SENT(US_IRQ_MSIX, 1);
}

static void the_table_takes_words_and_pairs_but_nothing_smaller(void **state)
{
	(void)state;
	rig_write(rig, ZOO_TABLE + 8, 4, 0x12345678);
	rig_write(rig, ZOO_TABLE + 8, 2, 0xffff);
	rig_write(rig, ZOO_TABLE + 8, 1, 0xff);
	assert_int_equal(rig_read(rig, ZOO_TABLE + 8, 4), 0x12345678);
	rig_write(rig, ZOO_TABLE, 8, UINT64_MAX);
	assert_int_equal(rig_read(rig, ZOO_TABLE, 8), UINT64_MAX - 3); /* messages are words, at multiples of 4 */
	rig_write(rig, ZOO_TABLE + 12, 4, UINT32_MAX);
	assert_int_equal(rig_read(rig, ZOO_TABLE + 12, 4), 1); /* the rest of vector control is reserved */
}

static void enabling_msix_lowers_intx(void **state)
{
	(void)state;
	raise_cause(0);
	assert_true(rig->line);
	enable_msix(false);
	assert_false(rig->line);
	rig_config_write(rig, msix + PCI_MSIX_FLAGS, 2, 0);
	assert_true(rig->line);
}

static void with_both_enabled_it_is_msix(void **state)
{
	(void)state;
	set_entry(0, ADDRESS, DATA, false);
	enable_msi(2);
	enable_msix(false);
	raise_cause(0);
	SENT(US_IRQ_MSIX, 0);
	raise_cause(1); /* whose entry is masked */
	assert_int_equal(rig_read(rig, ZOO_PBA, 8), 1 << 1);
	assert_int_equal(msi_pending(), 0);
}

/* -- a host that routes messages ---------------------------------------------------------------------------------- */

static void a_routed_message_needs_neither_address_nor_table(void **state)
{
	(void)state;
	assert_int_equal(us_device_route(rig->dev, US_IRQ_MSIX, 4), 0);
	assert_true(rig_config(rig, msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE);
	raise_cause(3);
	SENT(US_IRQ_MSIX, 3);
	assert_int_equal(us_device_route(rig->dev, US_IRQ_MSIX, 0), 0);
	assert_false(rig_config(rig, msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE);
	raise_cause(3);
	NOTHING_SENT();
	assert_true(rig->line);
}

static void routing_msi_grants_that_many(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= ZOO_MSI; n++) {
		const unsigned log2 = n > 2 ? 2 : n - 1;

		assert_int_equal(us_device_route(rig->dev, US_IRQ_MSI, n), 0);
		assert_int_equal(rig_config(rig, msi + PCI_MSI_FLAGS, 2) & (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE),
				 PCI_MSI_FLAGS_ENABLE | log2 << 4);
		raise_cause(3);
		raise_cause(1);
		SENT(US_IRQ_MSI, 3 < n ? 3 : 0, 1 < n ? 1 : 0);
	}
	assert_int_equal(us_device_route(rig->dev, US_IRQ_MSI, ZOO_MSI + 1), -EINVAL);
	assert_int_equal(us_device_route(rig->dev, US_IRQ_MSIX, ZOO_MSIX + 1), -EINVAL);
	assert_int_equal(us_device_route(rig->dev, US_IRQ_INTX, 1), -EINVAL);
}

static void software_may_grant_fewer_than_are_routed(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	enable_msi(0);
	raise_cause(3);
	SENT(US_IRQ_MSI, 0);
}

static void routing_msix_lifts_the_function_mask(void **state)
{
	(void)state;
	enable_msix(true);
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	assert_int_equal(rig_config(rig, msix + PCI_MSIX_FLAGS, 2) & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL),
			 PCI_MSIX_FLAGS_ENABLE);
}

static void what_comes_before_it_is_routed_is_held(void **state)
{
	(void)state;
	enable_msi(0); /* the guest's write arrives before its virtual machine's wiring */
	raise_cause(0);
	NOTHING_SENT();
	assert_false(rig->line);
	us_device_route(rig->dev, US_IRQ_MSI, 1);
	SENT(US_IRQ_MSI, 0);
}

static void what_comes_between_two_routings_is_held(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSIX, 1); /* QEMU wires more vectors by starting over */
	us_device_route(rig->dev, US_IRQ_MSIX, 0);
	raise_cause(2);
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	SENT(US_IRQ_MSIX, 2);
}

static void a_vector_beyond_those_routed_waits_and_is_no_other(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSIX, 1);
	raise_cause(2);
	NOTHING_SENT();
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	SENT(US_IRQ_MSIX, 2);
}

static void a_routed_message_that_is_masked_is_held(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	assert_int_equal(us_device_mask(rig->dev, US_IRQ_MSIX, 1, true), 0);
	raise_cause(1);
	raise_cause(0);
	SENT(US_IRQ_MSIX, 0);
	assert_int_equal(us_device_mask(rig->dev, US_IRQ_MSIX, 1, false), 0);
	SENT(US_IRQ_MSIX, 1);
	assert_int_equal(us_device_mask(rig->dev, US_IRQ_MSIX, ZOO_MSIX, true), -EINVAL);
	assert_int_equal(us_device_mask(rig->dev, US_IRQ_INTX, 0, true), -EINVAL);
}

static void ending_a_routing_forgets_its_masks(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	us_device_mask(rig->dev, US_IRQ_MSIX, 1, true);
	us_device_route(rig->dev, US_IRQ_MSIX, 0);
	us_device_route(rig->dev, US_IRQ_MSIX, 4);
	raise_cause(1);
	SENT(US_IRQ_MSIX, 1);
}

static void the_functions_own_msi_mask_holds_for_routed_messages_too(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	mask_msi(0x1);
	raise_cause(0);
	NOTHING_SENT();
	mask_msi(0);
	SENT(US_IRQ_MSI, 0);
}

static void wiring_outlives_flr_and_waits_for_the_enable_bit(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	us_device_reset(rig->dev, US_RESET_FLR);
	set_command(on);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	raise_cause(1);
	NOTHING_SENT();
	enable_msi(2); /* the guest restores its state; its virtual machine notices nothing */
	SENT(US_IRQ_MSI, 1);
}

static void a_conventional_reset_ends_all_wiring(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	us_device_reset(rig->dev, US_RESET_CONVENTIONAL);
	set_command(on);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	enable_msi(2);
	raise_cause(1);
	NOTHING_SENT();
}

static void a_conventional_reset_forgets_the_hosts_masks(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	us_device_mask(rig->dev, US_IRQ_MSI, 1, true);
	us_device_reset(rig->dev, US_RESET_CONVENTIONAL);
	set_command(on);
	rig_write(rig, ZOO_ENABLE, 4, ALL);
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	raise_cause(1);
	SENT(US_IRQ_MSI, 1);
}

static void routed_messages_need_bus_mastering(void **state)
{
	(void)state;
	us_device_route(rig->dev, US_IRQ_MSI, 4);
	set_command(PCI_COMMAND_MEMORY);
	raise_cause(1);
	NOTHING_SENT();
	set_command(on);
	SENT(US_IRQ_MSI, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_zoo, close_zoo)
#define ROUTED(name) cmocka_unit_test_setup_teardown(name, open_routed, close_zoo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(intx_is_asserted_while_an_enabled_cause_is_set),
		TEST(a_disabled_cause_asserts_when_it_is_enabled),
		TEST(the_disable_bit_keeps_the_line_low_and_the_status_bit_set),
		TEST(intx_needs_no_bus_mastering),
		TEST(a_cause_that_is_not_sticky_follows_the_hardware),
		TEST(setting_a_cause_bit_raises_it),
		TEST(a_cause_that_software_sets_interrupts_like_any_other),
		TEST(reset_deasserts_intx_exactly_once),
		TEST(a_function_without_a_pin_has_no_line),
		TEST(in_d3hot_the_line_is_low),
		TEST(msi_is_64_bit_and_maskable),
		TEST(the_message_number_tells_the_cause_when_all_are_granted),
		TEST(with_one_granted_all_causes_are_message_0_with_unchanged_data),
		TEST(every_number_granted_of_every_number_asked_is_honoured),
		TEST(a_cause_raised_again_sends_its_message_again),
		TEST(causes_raised_together_send_one_message_each_number),
		TEST(a_cause_raised_while_disabled_sends_when_enabled_once),
		TEST(a_cause_cleared_while_disabled_sends_nothing),
		TEST(a_masked_message_is_pending_until_unmasked),
		TEST(a_cause_that_is_satisfied_while_masked_takes_its_pending_bit_back),
		TEST(message_0_is_pending_for_all_causes_when_one_is_granted),
		TEST(without_bus_mastering_messages_wait),
		TEST(enabling_msi_lowers_intx_and_disabling_raises_it_again),
		TEST(in_d3hot_no_message_is_sent_and_reset_drops_what_waits),
		TEST(reset_drops_pending_messages),
		TEST(without_masking_the_capability_is_short),
		TEST(every_vector_is_masked_after_reset),
		TEST(the_capability_tells_where_table_and_pending_bits_are),
		TEST(a_vector_sends_the_address_and_data_of_its_entry),
		TEST(a_masked_vector_shows_in_the_pending_bits),
		TEST(the_function_mask_masks_every_vector),
		TEST(the_table_takes_words_and_pairs_but_nothing_smaller),
		TEST(enabling_msix_lowers_intx),
		TEST(with_both_enabled_it_is_msix),
		ROUTED(a_routed_message_needs_neither_address_nor_table),
		ROUTED(routing_msi_grants_that_many),
		ROUTED(software_may_grant_fewer_than_are_routed),
		ROUTED(routing_msix_lifts_the_function_mask),
		ROUTED(what_comes_before_it_is_routed_is_held),
		ROUTED(what_comes_between_two_routings_is_held),
		ROUTED(a_vector_beyond_those_routed_waits_and_is_no_other),
		ROUTED(a_routed_message_that_is_masked_is_held),
		ROUTED(ending_a_routing_forgets_its_masks),
		ROUTED(the_functions_own_msi_mask_holds_for_routed_messages_too),
		ROUTED(wiring_outlives_flr_and_waits_for_the_enable_bit),
		ROUTED(a_conventional_reset_ends_all_wiring),
		ROUTED(a_conventional_reset_forgets_the_hosts_masks),
		ROUTED(routed_messages_need_bus_mastering),
	};

	return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
