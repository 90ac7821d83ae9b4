/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `understudy conform crypto` tests beyond what it makes from crypto.rdl: published vectors, one test for each
 * error, resets. The far larger set of tests/ runs on the same targets by programs of its own.
 */
#include <understudy/conform.h>

#include "crypto.h"

#include <string.h>

#define MEMORY UINT64_C(0x140000000) /* device addresses, above 4 GiB */
#define MEMORY_SIZE 0x200000
#define LIST (MEMORY + 0x100000)
#define OUTPUT (MEMORY + 0x80000)
#define NOWHERE UINT64_C(0x700000000) /* nothing is mapped there */
#define PATIENCE UINT64_C(10000000000) /* ns: no command of these tests takes that long anywhere */

struct entry { /* CRY-010 */
	uint64_t address;
	uint32_t length, reserved;
};

static uint32_t get(struct us_run *run, uint64_t reg)
{
	return us_fn_read32(us_run_function(run), US_REGION_BAR0, reg);
}

static void set(struct us_run *run, uint64_t reg, uint32_t value)
{
	us_fn_write32(us_run_function(run), US_REGION_BAR0, reg, value);
}

static uint8_t *memory(struct us_run *run)
{
	us_run_bus_master(run, true);
	return us_run_dma(run, MEMORY, MEMORY_SIZE, US_FN_DMA_READ | US_FN_DMA_WRITE);
}

static void input(struct us_run *run, unsigned i, uint64_t address, uint32_t length)
{
	set(run, CRYPTO_IN_WINDOW_ADDRESS_LO(i), (uint32_t)address);
	set(run, CRYPTO_IN_WINDOW_ADDRESS_HI(i), (uint32_t)(address >> 32));
	set(run, CRYPTO_IN_WINDOW_LENGTH(i), length);
	set(run, CRYPTO_IN_COUNT, i + 1);
}

static void output(struct us_run *run, uint64_t address, uint32_t length)
{
	set(run, CRYPTO_OUT_WINDOW_ADDRESS_LO(0), (uint32_t)address);
	set(run, CRYPTO_OUT_WINDOW_ADDRESS_HI(0), (uint32_t)(address >> 32));
	set(run, CRYPTO_OUT_WINDOW_LENGTH(0), length);
	set(run, CRYPTO_OUT_COUNT, 1);
}

#define WINDOWS                                                                                                        \
	(CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK | CRYPTO_CONTROL_IN_WINDOW_MASK |                        \
	 CRYPTO_CONTROL_OUT_WINDOW_MASK)

static void wait_ready(struct us_run *run)
{
	struct us_function *fn = us_run_function(run);
	const uint64_t begun = us_fn_now(fn);

	while (!(get(run, CRYPTO_STATUS) & CRYPTO_STATUS_READY_MASK)) {
		us_check(run, us_fn_now(fn) - begun < PATIENCE);
		us_fn_sleep(fn, 1000);
	}
}

/* Runs a command to its end and returns ERROR.CODE; exactly one of DONE and ERROR was set (CRY-022). */
static uint32_t command(struct us_run *run, uint32_t code, uint32_t control, uint32_t length)
{
	const uint32_t ends = CRYPTO_INT_STATUS_DONE_MASK | CRYPTO_INT_STATUS_ERROR_MASK;
	uint32_t error;

	set(run, CRYPTO_INT_STATUS, ends);
	set(run, CRYPTO_CONTROL, control);
	set(run, CRYPTO_LENGTH, length);
	set(run, CRYPTO_COMMAND, code);
	wait_ready(run);
	error = get(run, CRYPTO_ERROR) & CRYPTO_ERROR_CODE_MASK;
	us_check_equal(run, get(run, CRYPTO_INT_STATUS) & ends,
		       error ? CRYPTO_INT_STATUS_ERROR_MASK : CRYPTO_INT_STATUS_DONE_MASK);
	return error;
}

static void check_digest(struct us_run *run, const uint32_t expected[8])
{
	for (unsigned i = 0; i < 8; i++)
		us_check_equal(run, __builtin_bswap32(get(run, CRYPTO_DIGEST(i))), expected[i]);
}

/* -- published vectors ------------------------------------------------------------------------------------------ */

/* FIPS 180-4, examples of SHA-256. */
static const uint32_t of_abc[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
				   0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
static const uint32_t of_nothing[8] = {0xe3b0c442, 0x98fc1c14, 0x9afbf4c8, 0x996fb924,
				       0x27ae41e4, 0x649b934c, 0xa495991b, 0x7852b855};

/* SP 800-38A, F.2.5. */
static const uint8_t key[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
				0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
				0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
static const uint8_t plain[32] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e,
				  0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03,
				  0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
static const uint8_t cipher[32] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba, 0x77, 0x9e, 0xab,
				   0xfb, 0x5f, 0x7b, 0xfb, 0xd6, 0x9c, 0xfc, 0x4e, 0x96, 0x7e, 0xdb,
				   0x80, 0x8d, 0x67, 0x9f, 0x77, 0x7b, 0xc6, 0x70, 0x2c, 0x7d};

static void set_key(struct us_run *run)
{
	for (unsigned i = 0; i < 8; i++)
		set(run, CRYPTO_KEY(i),
		    key[4 * i] | key[4 * i + 1] << 8 | key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24);
	for (unsigned i = 0; i < 4; i++)
		set(run, CRYPTO_IV(i), 0x03020100 + 0x04040404 * i);
}

static void digest_of_abc(struct us_run *run)
{
	memcpy(memory(run), "abc", 3);
	input(run, 0, MEMORY, 3);
	us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 3), CRYPTO_ERROR_CODE_NONE);
	check_digest(run, of_abc);
}

static void digest_of_nothing(struct us_run *run)
{
	us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 0), CRYPTO_ERROR_CODE_NONE);
	check_digest(run, of_nothing);
}

static void digest_of_single_bytes_on_three_pages(struct us_run *run)
{
	static const uint32_t at[3] = {0xfff, 0x1000, 0x2fff};
	uint8_t *bytes = memory(run);

	for (unsigned i = 0; i < 3; i++) {
		bytes[at[i]] = (uint8_t) "abc"[i];
		input(run, i, MEMORY + at[i], 1);
	}
	us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 3), CRYPTO_ERROR_CODE_NONE);
	check_digest(run, of_abc);
}

static void digest_by_a_list_in_memory(struct us_run *run)
{
	uint8_t *bytes = memory(run);
	const struct entry list[2] = {{MEMORY + 5, 1, 0}, {MEMORY + 0x5000, 2, 0}};

	bytes[5] = 'a';
	memcpy(bytes + 0x5000, "bc", 2);
	memcpy(bytes + (LIST - MEMORY), list, sizeof list);
	set(run, CRYPTO_IN_LIST_LO, (uint32_t)LIST);
	set(run, CRYPTO_IN_LIST_HI, (uint32_t)(LIST >> 32));
	set(run, CRYPTO_IN_COUNT, 2);
	us_check_equal(
		run, command(run, CRYPTO_COMMAND_CODE_DIGEST, CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK, 3),
		CRYPTO_ERROR_CODE_NONE);
	check_digest(run, of_abc);
}

/* Both ways, with a byte on each side of the output that must stay. */
static void cbc_vectors(struct us_run *run)
{
	const struct {
		uint32_t code;
		const uint8_t *in, *out;
	} way[2] = {{CRYPTO_COMMAND_CODE_ENCRYPT, plain, cipher}, {CRYPTO_COMMAND_CODE_DECRYPT, cipher, plain}};
	uint8_t *bytes = memory(run), *out = bytes + (OUTPUT - MEMORY);

	set_key(run);
	for (unsigned i = 0; i < 2; i++) {
		memset(out, 0xee, 64);
		memcpy(bytes, way[i].in, 32);
		input(run, 0, MEMORY, 32);
		output(run, OUTPUT + 1, 32);
		us_check_equal(run, command(run, way[i].code, WINDOWS, 32), CRYPTO_ERROR_CODE_NONE);
		us_check_bytes(run, out + 1, way[i].out, 32);
		us_check_equal(run, out[0], 0xee);
		us_check_equal(run, out[33], 0xee);
	}
}

/* -- errors ----------------------------------------------------------------------------------------------------- */

static uint64_t fault(struct us_run *run)
{
	return (uint64_t)get(run, CRYPTO_FAULT_HI) << 32 | get(run, CRYPTO_FAULT_LO);
}

static void each_mistake_has_its_error_and_the_next_command_works(struct us_run *run)
{
	static const struct {
		uint32_t code, control, length, error;
	} mistake[] = {
		{0x99, WINDOWS, 0, CRYPTO_ERROR_CODE_UNKNOWN_COMMAND},
		{CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 0x01000001, CRYPTO_ERROR_CODE_BAD_LENGTH},
		{CRYPTO_COMMAND_CODE_ENCRYPT, WINDOWS, 0, CRYPTO_ERROR_CODE_BAD_LENGTH},
		{CRYPTO_COMMAND_CODE_ENCRYPT, WINDOWS, 17, CRYPTO_ERROR_CODE_BAD_LENGTH},
		{CRYPTO_COMMAND_CODE_ENCRYPT, WINDOWS, 16, CRYPTO_ERROR_CODE_NO_KEY},
		{CRYPTO_COMMAND_CODE_DIGEST, WINDOWS & ~CRYPTO_CONTROL_FIRST_MASK, 3, CRYPTO_ERROR_CODE_NO_CHAIN},
		{CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 4, CRYPTO_ERROR_CODE_LIST_TOTAL},
	};
	uint8_t *bytes = memory(run);

	for (size_t i = 0; i < sizeof mistake / sizeof mistake[0]; i++) {
		memcpy(bytes, "abc", 3);
		input(run, 0, MEMORY, 3);
		output(run, OUTPUT, 16);
		us_check_equal(run, command(run, mistake[i].code, mistake[i].control, mistake[i].length),
			       mistake[i].error);
		us_check_equal(run, fault(run), 0);
		set(run, CRYPTO_OUT_COUNT, 0);
		us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 3), CRYPTO_ERROR_CODE_NONE);
		check_digest(run, of_abc);
	}
}

static void without_bus_master_nothing_is_moved(struct us_run *run)
{
	memory(run);
	input(run, 0, MEMORY, 3);
	us_run_bus_master(run, false);
	us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 3), CRYPTO_ERROR_CODE_BUS_MASTER);
}

static void input_that_is_not_there_faults_with_its_address(struct us_run *run)
{
	memory(run);
	input(run, 0, MEMORY + MEMORY_SIZE - 16, 16);
	input(run, 1, NOWHERE + 5, 16);
	us_check_equal(run, command(run, CRYPTO_COMMAND_CODE_DIGEST, WINDOWS, 32), CRYPTO_ERROR_CODE_INPUT_FAULT);
	us_check_equal(run, fault(run), NOWHERE + 5);
}

static void a_list_that_is_not_there_faults_with_its_address(struct us_run *run)
{
	memory(run);
	set(run, CRYPTO_IN_LIST_LO, (uint32_t)NOWHERE);
	set(run, CRYPTO_IN_LIST_HI, (uint32_t)(NOWHERE >> 32));
	set(run, CRYPTO_IN_COUNT, 1);
	us_check_equal(
		run, command(run, CRYPTO_COMMAND_CODE_DIGEST, CRYPTO_CONTROL_FIRST_MASK | CRYPTO_CONTROL_LAST_MASK, 3),
		CRYPTO_ERROR_CODE_LIST_FAULT);
	us_check_equal(run, fault(run), NOWHERE);
}

/* -- resets ----------------------------------------------------------------------------------------------------- */

static void reset_forgets_the_key_and_keeps_the_enables(struct us_run *run)
{
	set_key(run);
	set(run, CRYPTO_INT_ENABLE, CRYPTO_INT_ENABLE_DONE_MASK);
	us_check(run, get(run, CRYPTO_STATUS) & CRYPTO_STATUS_KEY_SET_MASK);
	set(run, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
	wait_ready(run);
	us_check_equal(run, get(run, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	us_check_equal(run, get(run, CRYPTO_INT_STATUS), CRYPTO_INT_STATUS_RESET_DONE_MASK);
	us_check_equal(run, get(run, CRYPTO_INT_ENABLE), CRYPTO_INT_ENABLE_DONE_MASK);
}

static void abort_while_idle_does_nothing(struct us_run *run)
{
	set(run, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ABORT);
	us_check_equal(run, get(run, CRYPTO_STATUS), CRYPTO_STATUS_READY_MASK);
	us_check_equal(run, get(run, CRYPTO_INT_STATUS), 0);
	us_check_equal(run, get(run, CRYPTO_ERROR), 0);
}

/* At several moments of a command over 512 KiB; afterwards output and causes stay as they are. */
static void after_a_reset_nothing_of_the_old_command_happens(struct us_run *run)
{
	struct us_function *fn = us_run_function(run);
	uint8_t *bytes = memory(run), *out = bytes + (OUTPUT - MEMORY);
	uint8_t *seen = us_run_alloc(run, 0x80000);

	for (uint64_t moment = 0; moment < 40000; moment += 5000) {
		set_key(run);
		memset(out, 0, 0x80000);
		input(run, 0, MEMORY, 0x80000);
		output(run, OUTPUT, 0x80000);
		set(run, CRYPTO_CONTROL, WINDOWS);
		set(run, CRYPTO_LENGTH, 0x80000);
		set(run, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_ENCRYPT);
		us_fn_sleep(fn, moment);
		set(run, CRYPTO_COMMAND, CRYPTO_COMMAND_CODE_RESET);
		wait_ready(run);
		memcpy(seen, out, 0x80000);
		us_fn_sleep(fn, 1000000);
		us_check_bytes(run, out, seen, 0x80000);
		us_check_equal(run, get(run, CRYPTO_INT_STATUS), CRYPTO_INT_STATUS_RESET_DONE_MASK);
		set(run, CRYPTO_INT_STATUS, CRYPTO_INT_STATUS_RESET_DONE_MASK);
	}
}

static const struct us_test vectors[] = {
	US_TEST("CRY-060 CRY-084", digest_of_abc),
	US_TEST("CRY-013 CRY-063", digest_of_nothing),
	US_TEST("CRY-011", digest_of_single_bytes_on_three_pages),
	US_TEST("CRY-010 CRY-012", digest_by_a_list_in_memory),
	US_TEST("CRY-022 CRY-023 CRY-062", cbc_vectors),
};

static const struct us_test errors[] = {
	US_TEST("CRY-017 CRY-026 CRY-027 CRY-034 CRY-063 CRY-064 CRY-078 CRY-079",
		each_mistake_has_its_error_and_the_next_command_works),
	US_TEST("CRY-029", without_bus_master_nothing_is_moved),
	US_TEST("CRY-030", input_that_is_not_there_faults_with_its_address),
	US_TEST("CRY-015", a_list_that_is_not_there_faults_with_its_address),
};

static const struct us_test resets[] = {
	US_TEST("CRY-007 CRY-040", reset_forgets_the_key_and_keeps_the_enables),
	US_TEST("CRY-046 CRY-077", abort_while_idle_does_nothing),
	US_TEST("CRY-008", after_a_reset_nothing_of_the_old_command_happens),
};

static const struct us_test_group groups[] = {
	{"vectors", vectors, sizeof vectors / sizeof vectors[0]},
	{"errors", errors, sizeof errors / sizeof errors[0]},
	{"reset", resets, sizeof resets / sizeof resets[0]},
};

static const struct us_claim claims[] = {
	{"pci.header.ids", "CRY-001"},
	{"pci.bar0", "CRY-002"},
	{"pci.capability.express", "CRY-003"},
	{"registers.CONTROL.reserved", "CRY-005"},
	{"registers.reset.flr", "CRY-006"},
	{"registers.reset.d3hot", "CRY-006"},
	{"registers.INT_STATUS.DONE.w1c", "CRY-050"},
	{"pci.intx.level", "CRY-051"},
	{"pci.msi.granted-2", "CRY-052"},
	{"pci.msix.granted-4", "CRY-052"},
	{"pci.intx.cause-disabled", "CRY-053"},
	{"pci.msi.cause-disabled", "CRY-053"},
	{"registers.ID.MAGIC.ro", "CRY-070"},
	{"registers.VERSION.MAJOR.ro", "CRY-071"},
	{"registers.FEATURES.SHA256.ro", "CRY-072"},
	{"registers.LIMITS.LIST_ENTRIES.ro", "CRY-073"},
	{"registers.MAX_LENGTH.BYTES.ro", "CRY-074"},
	{"registers.reset.function", "CRY-006 CRY-070 CRY-071 CRY-072 CRY-073 CRY-074 CRY-076 CRY-081"},
	{"registers.KEY[0].BYTES.wo", "CRY-082"},
	{"registers.IV[0].BYTES.wo", "CRY-083"},
};

US_CONFORM(.groups = groups, .ngroups = sizeof groups / sizeof groups[0], .claims = claims,
	   .nclaims = sizeof claims / sizeof claims[0]);
