/* SPDX-License-Identifier: Apache-2.0 */
/* The map and the header made from good/pci.rdl, compiled: they hold what the file says, and agree with each other. */
#include "pci.h"

#include <understudy/map.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

extern const struct us_map pci_example_map;

static const struct us_reg *find(const char *path)
{
	for (size_t i = 0; i < pci_example_map.nregs; i++)
		if (!strcmp(pci_example_map.regs[i].path, path))
			return &pci_example_map.regs[i];
	fail_msg("no register %s", path);
	return NULL;
}

static void the_function_is_as_the_properties_say(void **state)
{
	const struct us_pci *pci = &pci_example_map.pci;

	(void)state;
	assert_string_equal(pci_example_map.name, "pci_example");
	assert_string_equal(pci_example_map.title, "An example");
	assert_int_equal(pci->vendor_id, PCI_EXAMPLE_PCI_VENDOR_ID);
	assert_int_equal(pci->device_id, 0x5678);
	assert_int_equal(pci->class_code, PCI_EXAMPLE_PCI_CLASS_CODE);
	assert_int_equal(pci->subsystem_id, 1);
	assert_int_equal(pci->msi, 8);
	assert_true(pci->msi_masking && pci->pm && pci->express && pci->flr);
	assert_int_equal(pci->msix, 16);
	assert_int_equal(pci->msix_pba_offset, 0x100);
}

static void bars_have_their_kinds_and_sizes(void **state)
{
	const struct us_bar *bars = pci_example_map.bars;

	(void)state;
	assert_int_equal(bars[0].kind, US_BAR_MEM32);
	assert_int_equal(bars[0].size, 0x2000);
	assert_int_equal(bars[0].size, PCI_EXAMPLE_BAR0_SIZE);
	assert_int_equal(bars[1].kind, US_BAR_NONE);
	assert_int_equal(bars[2].kind, US_BAR_MEM64);
	assert_true(bars[2].prefetchable);
	assert_int_equal(bars[2].size, 0x10000);
	assert_int_equal(bars[3].kind, US_BAR_NONE);
	assert_int_equal(bars[5].kind, US_BAR_IO);
	assert_int_equal(bars[5].size, 4);
}

static void a_bar_that_msix_alone_needs_is_there_with_no_name(void **state)
{
	(void)state;
	assert_int_equal(pci_example_map.bars[4].kind, US_BAR_MEM32);
	assert_int_equal(pci_example_map.bars[4].size, 4096);
	assert_null(pci_example_map.bars[4].name);
}

static void registers_are_sorted_and_lie_where_the_header_says(void **state)
{
	(void)state;
	for (size_t i = 1; i < pci_example_map.nregs; i++)
		assert_true(pci_example_map.regs[i - 1].addr < pci_example_map.regs[i].addr);
	assert_int_equal(find("command")->addr, PCI_EXAMPLE_COMMAND);
	assert_int_equal(find("address")->addr, PCI_EXAMPLE_ADDRESS);
	assert_int_equal(find("window[2].word[1]")->addr, PCI_EXAMPLE_WINDOW_WORD(2, 1));
	assert_string_equal(find("window[2].word[1]")->name, "word[1]");
	assert_int_equal(find("kick")->addr, US_AT(5, PCI_EXAMPLE_KICK));
	assert_int_equal(PCI_EXAMPLE_WINDOW_COUNT, 3);
	assert_int_equal(PCI_EXAMPLE_WINDOW_STRIDE, 0x10);
}

static void widths_and_flags_are_kept(void **state)
{
	(void)state;
	assert_int_equal(find("address")->size, 8);
	assert_int_equal(find("counter")->size, 2);
	assert_int_equal(find("counter")->access, 1);
	assert_int_equal(find("command")->flags, US_REG_DANGEROUS);
	assert_int_equal(find("lock")->fields[0].flags, US_FIELD_WRITE | US_FIELD_WRITE_ONCE);
	assert_int_equal(find("counter")->fields[0].onread, US_ONREAD_RCLR);
	assert_int_equal(find("command")->fields[1].flags, US_FIELD_READ | US_FIELD_WRITE | US_FIELD_SINGLEPULSE);
	assert_int_equal(find("command")->fields[1].lsb, PCI_EXAMPLE_COMMAND_KICK_SHIFT);
}

static void causes_know_their_message_and_their_enable(void **state)
{
	const struct us_reg *cause = find("cause");
	const struct us_field *done = &cause->fields[0], *error = &cause->fields[1];

	(void)state;
	assert_int_equal(done->flags, US_FIELD_READ | US_FIELD_WRITE | US_FIELD_HW | US_FIELD_INTR | US_FIELD_STICKY);
	assert_int_equal(error->flags & US_FIELD_STICKY, 0);
	assert_int_equal(done->onwrite, US_ONWRITE_WOCLR);
	assert_int_equal(error->message, PCI_EXAMPLE_CAUSE_ERROR_MESSAGE);
	assert_ptr_equal(&pci_example_map.regs[error->enable_reg], find("enable"));
	assert_int_equal(error->enable_lsb, 1);
	assert_int_equal(find("command")->fields[0].enable_reg, -1);
}

static void reset_values_are_those_of_map_and_header(void **state)
{
	(void)state;
	assert_int_equal(find("address")->fields[0].reset, PCI_EXAMPLE_ADDRESS_RESET);
	assert_true(find("address")->fields[0].has_reset);
	assert_false(find("counter")->fields[0].has_reset);
	assert_int_equal(find("window[1].word[0]")->fields[0].reset, 7);
	assert_int_equal(find("window[1].word[1]")->fields[0].reset, 8);
}

static void enumerators_end_with_a_null_name(void **state)
{
	const struct us_enumerator *encode = find("command")->fields[0].encode;

	(void)state;
	assert_string_equal(encode[1].name, "GO");
	assert_string_equal(encode[1].desc, "Starts it \"now\".");
	assert_int_equal(encode[2].value, PCI_EXAMPLE_COMMAND_CODE_HALT);
	assert_null(encode[3].name);
}

static void memories_are_listed(void **state)
{
	(void)state;
	assert_int_equal(pci_example_map.nmems, 2);
	assert_string_equal(pci_example_map.mems[0].path, "buffer");
	assert_int_equal(pci_example_map.mems[0].addr, PCI_EXAMPLE_BUFFER);
	assert_int_equal(pci_example_map.mems[0].size, PCI_EXAMPLE_BUFFER_SIZE);
	assert_int_equal(pci_example_map.mems[1].addr, US_AT(2, 0));
	assert_true(pci_example_map.mems[1].read && pci_example_map.mems[1].write);
}

static void texts_of_register_files_are_there_once(void **state)
{
	(void)state;
	assert_int_equal(pci_example_map.ntexts, 1);
	assert_string_equal(pci_example_map.texts[0], "Two words each.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_function_is_as_the_properties_say),
		cmocka_unit_test(bars_have_their_kinds_and_sizes),
		cmocka_unit_test(a_bar_that_msix_alone_needs_is_there_with_no_name),
		cmocka_unit_test(registers_are_sorted_and_lie_where_the_header_says),
		cmocka_unit_test(widths_and_flags_are_kept),
		cmocka_unit_test(causes_know_their_message_and_their_enable),
		cmocka_unit_test(reset_values_are_those_of_map_and_header),
		cmocka_unit_test(enumerators_end_with_a_null_name),
		cmocka_unit_test(memories_are_listed),
		cmocka_unit_test(texts_of_register_files_are_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
