/* SPDX-License-Identifier: Apache-2.0 */
/* DMA_MAP, DMA_UNMAP and the memory behind them: what may be mapped, what is reached, and what vanishes. */
#include "mover.h"
#include "raw.h"
#include "vfio-user/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define R 1
#define W 2
#define RW 3
#define PAGE UINT64_C(0x1000)
#define HIGH UINT64_C(0x7fff00000000)

static int set_up(void **state)
{
	*state = raw_ready();
	return 0;
}

static int tear_down(void **state)
{
	raw_close(*state);
	return 0;
}

/* Moves bytes from the device to memory and back, on the device's thread; the error, or 0 and they arrived. */
static uint32_t reach(struct raw *raw, uint32_t command, uint64_t address, uint32_t length)
{
	raw_command(raw, command, address, length);
	return raw_result(raw);
}

/* -- what is mapped --------------------------------------------------------------------------------------------- */

static void the_device_writes_and_reads_mapped_memory(void **state)
{
	struct raw *raw = *state;

	assert_int_equal(raw_map(raw, HIGH, 2 * PAGE, RW, raw->memory, 3 * PAGE), 0);
	assert_int_equal(raw->r.size, 0);
	raw_poke(raw, BAR2, 0, 0x11223344);
	assert_int_equal(reach(raw, MOVER_WRITE, HIGH + 0xffe, 4), 0);
	assert_memory_equal(raw->at + 3 * PAGE + 0xffe, "\x44\x33\x22\x11", 4);
	memcpy(raw->at + 3 * PAGE, "abcd", 4);
	assert_int_equal(reach(raw, MOVER_READ, HIGH, 4), 0);
	assert_int_equal(raw_read(raw, BAR2, 0), 0x64636261);
}

static void what_is_not_mapped_is_not_reached(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, HIGH, PAGE, RW, raw->memory, 0);
	assert_int_equal(reach(raw, MOVER_READ, HIGH - 1, 1), EFAULT);
	assert_int_equal(reach(raw, MOVER_READ, HIGH + PAGE, 1), EFAULT);
	assert_int_equal(reach(raw, MOVER_WRITE, HIGH + PAGE - 2, 4), EFAULT);
	assert_int_equal(raw_read64(raw, BAR0, MOVER_FAULT), HIGH + PAGE);
}

static void what_may_only_be_read_is_not_written(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 0, PAGE, R, raw->memory, 0);
	raw_map(raw, PAGE, PAGE, W, raw->memory, PAGE);
	assert_int_equal(reach(raw, MOVER_READ, 0, 8), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 8), EACCES);
	assert_int_equal(reach(raw, MOVER_WRITE, PAGE, 8), 0);
	assert_int_equal(reach(raw, MOVER_READ, PAGE, 8), EACCES);
	assert_int_equal(reach(raw, MOVER_READ, PAGE - 4, 8), EACCES);
	assert_int_equal(raw_read64(raw, BAR0, MOVER_FAULT), PAGE);
}

static void an_access_goes_over_neighbouring_regions(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 0, PAGE, RW, raw->memory, 5 * PAGE);
	raw_map(raw, PAGE, PAGE, RW, raw->memory, PAGE);
	raw_map(raw, 2 * PAGE, PAGE, RW, raw->memory, 2 * PAGE);
	memset(raw->at, 0, RAW_MEMORY);
	for (int i = 0; i < 0x2000; i += 4)
		raw_poke(raw, BAR2, (uint64_t)i, 0x01010101);
	assert_int_equal(reach(raw, MOVER_WRITE, 0x800, 0x2000), 0);
	assert_int_equal(raw->at[5 * PAGE + 0x7ff], 0);
	assert_int_equal(raw->at[5 * PAGE + 0x800], 1);
	assert_int_equal(raw->at[PAGE], 1);
	assert_int_equal(raw->at[2 * PAGE + 0x7ff], 1);
	assert_int_equal(raw->at[2 * PAGE + 0x800], 0);
}

static void without_bus_mastering_nothing_moves(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 0, PAGE, RW, raw->memory, 0);
	raw_poke(raw, CONFIG, 4, 2);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 8), EPERM);
	raw_poke(raw, CONFIG, 4, 6);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 8), 0);
}

static void the_last_page_of_64_bits_is_a_page_like_others(void **state)
{
	struct raw *raw = *state;

	assert_int_equal(raw_map(raw, -PAGE, PAGE, RW, raw->memory, 0), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, -PAGE, 0x1000), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, -UINT64_C(4), 4), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, -UINT64_C(4), 5), EFAULT);
	assert_int_equal(raw_unmap(raw, -PAGE, PAGE), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, -PAGE, 4), EFAULT);
}

static void mapped_over_what_is_mapped_is_refused(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 4 * PAGE, 2 * PAGE, RW, raw->memory, 0);
	assert_int_equal(raw_map(raw, 4 * PAGE, 2 * PAGE, RW, raw->memory, 0), EEXIST);
	assert_int_equal(raw_map(raw, 3 * PAGE, 2 * PAGE, RW, raw->memory, 0), EEXIST);
	assert_int_equal(raw_map(raw, 5 * PAGE, 2 * PAGE, RW, raw->memory, 0), EEXIST);
	assert_int_equal(raw_map(raw, 0, 16 * PAGE, RW, raw->memory, 0), EEXIST);
	assert_int_equal(raw_map(raw, 5 * PAGE, PAGE, R, -1, 0), EEXIST);
	assert_int_equal(raw_map(raw, 3 * PAGE, PAGE, RW, raw->memory, 0), 0);
	assert_int_equal(raw_map(raw, 6 * PAGE, PAGE, RW, raw->memory, 0), 0);
}

static void a_map_that_makes_no_sense_is_refused(void **state)
{
	struct raw *raw = *state;
	const struct {
		uint64_t address, size;
		uint32_t flags;
		uint64_t offset;
		int error;
	} bad[] = {
		{0, 0, RW, 0, EINVAL},
		{0, 1, RW, 0, EINVAL},
		{1, PAGE, RW, 0, EINVAL},
		{0, PAGE, 0, 0, EINVAL},
		{0, PAGE, 4, 0, EINVAL},
		{0, PAGE, 0x80000003, 0, EINVAL},
		{0, PAGE, RW, 1, EINVAL},
		{0, PAGE, RW, RAW_MEMORY, EINVAL},
		{0, RAW_MEMORY, RW, PAGE, EINVAL},
		{0, PAGE, RW, -PAGE, EINVAL},
		{0, -PAGE, RW, PAGE, EINVAL},
		{-PAGE, 2 * PAGE, RW, 0, EINVAL},
		{0, UINT64_C(1) << 63, RW, 0, EINVAL},
	};
	struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} m = {31, RW, 0, 0, PAGE};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(
			raw_map(raw, bad[i].address, bad[i].size, bad[i].flags, raw->memory, bad[i].offset), bad[i].error);
	assert_int_equal(raw_call(raw, DMA_MAP, &m, sizeof m, NULL, 0), EINVAL);
}

static void descriptors_that_can_not_be_mapped_are_refused(void **state)
{
	struct raw *raw = *state;
	int before = raw_count_fds(raw), pipes[2], fd;
	char path[] = "/tmp/understudy-test-XXXXXX";

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, pipes[0], 0), ENODEV);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, raw->fd, 0), ENODEV);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, fd, 0), ENODEV);
	close(fd);
	fd = eventfd(0, 0);
	assert_int_not_equal(raw_map(raw, 0, PAGE, RW, fd, 0), 0);
	close(fd);
	fd = mkstemp(path);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, fd, 0), EINVAL); /* empty */
	assert_int_equal(ftruncate(fd, PAGE + 1), 0);
	assert_int_equal(raw_map(raw, PAGE, PAGE, RW, fd, PAGE), EINVAL); /* not a whole page */
	close(fd);
	fd = open(path, O_WRONLY);
	assert_int_equal(raw_map(raw, 0, PAGE, W, fd, 0), EACCES);
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, fd, 0), EACCES);
	assert_int_equal(raw_map(raw, 0, PAGE, R, fd, 0), 0);
	close(fd);
	unlink(path);
	assert_int_equal(raw_count_fds(raw), before);
}

static void a_file_sealed_against_writing_may_be_read(void **state)
{
	struct raw *raw = *state;
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, fd, 0), EACCES);
	assert_int_equal(raw_map(raw, 0, PAGE, R, fd, 0), 0);
	assert_int_equal(reach(raw, MOVER_READ, 0, 16), 0);
	close(fd);
}

static void one_descriptor_is_enough(void **state)
{
	struct raw *raw = *state;
	int before = raw_count_fds(raw), fds[20];
	struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} m = {32, RW, 0, 0, PAGE};

	for (int i = 0; i < 20; i++)
		fds[i] = raw->memory;
	for (int n = 2; n <= 20; n++)
		assert_int_equal(raw_call(raw, DMA_MAP, &m, sizeof m, fds, n), EINVAL);
	assert_int_equal(raw_call(raw, GET_INFO, (uint32_t[]){16, 0, 0, 0}, 16, fds, 1), EINVAL);
	assert_int_equal(raw_count_fds(raw), before);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), EFAULT);
}

/* QEMU sends maps in a burst, and the one without descriptor must not get its neighbour's. */
static void descriptors_go_with_their_message_in_a_burst(void **state)
{
	struct raw *raw = *state;
	struct {
		struct header h;
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} m[3] = {
		{{1, DMA_MAP, 48, 0, 0}, 32, RW, 0, 0, PAGE},
		{{2, DMA_MAP, 48, 0, 0}, 32, RW, PAGE, PAGE, PAGE},
		{{3, DMA_MAP, 48, 0, 0}, 32, RW, 0, 2 * PAGE, PAGE},
	};

	for (int round = 0; round < 100; round++) {
		raw_write(raw, &m[0], sizeof m[0], NULL, 0);
		raw_write(raw, &m[1], sizeof m[1], &raw->memory, 1);
		raw_write(raw, &m[2], sizeof m[2], NULL, 0);
		for (int i = 0; i < 3; i++) {
			assert_true(raw_receive(raw));
			assert_int_equal(raw->r.h.id, i + 1);
			assert_int_equal(raw->r.h.flags, 1);
		}
		raw->at[PAGE] = (uint8_t)round;
		assert_int_equal(reach(raw, MOVER_READ, PAGE, 1), 0);
		assert_int_equal(raw_read(raw, BAR2, 0) & 0xff, round);
		for (int i = 0; i < 3; i++)
			assert_int_equal(raw_unmap(raw, (uint64_t)i * PAGE, PAGE), 0);
	}
}

/* -- what is unmapped ------------------------------------------------------------------------------------------- */

static void what_was_unmapped_is_no_longer_reached(void **state)
{
	struct raw *raw = *state;
	uint64_t sent[3];

	raw_map(raw, 0, PAGE, RW, raw->memory, 0);
	assert_int_equal(raw_unmap(raw, 0, PAGE), 0);
	memcpy(sent, raw->r.payload, sizeof sent);
	assert_int_equal(raw->r.size, 24);
	assert_int_equal(sent[0], 24); /* argsz, and flags 0 */
	assert_int_equal(sent[1], 0);
	assert_int_equal(sent[2], PAGE);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), EFAULT);
}

static void an_unmap_that_spans_or_misses_regions_succeeds(void **state)
{
	struct raw *raw = *state;

	assert_int_equal(raw_unmap(raw, HIGH, PAGE), 0);
	for (uint64_t i = 1; i < 8; i += 2)
		raw_map(raw, i * PAGE, PAGE, RW, raw->memory, 0);
	assert_int_equal(raw_unmap(raw, 0, 6 * PAGE), 0);
	for (uint64_t i = 1; i < 8; i += 2)
		assert_int_equal(reach(raw, MOVER_WRITE, i * PAGE, 4), i < 6 ? EFAULT : 0);
	assert_int_equal(raw_unmap(raw, 0, UINT64_C(1) << 63), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 7 * PAGE, 4), EFAULT);
}

static void an_unmap_that_cuts_a_region_is_refused_and_takes_nothing(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, PAGE, PAGE, RW, raw->memory, 0);
	raw_map(raw, 4 * PAGE, 4 * PAGE, RW, raw->memory, 0);
	assert_int_equal(raw_unmap(raw, 0, 5 * PAGE), EINVAL);
	assert_int_equal(raw_unmap(raw, 7 * PAGE, 5 * PAGE), EINVAL);
	assert_int_equal(raw_unmap(raw, 5 * PAGE, PAGE), EINVAL);
	assert_int_equal(reach(raw, MOVER_WRITE, PAGE, 4), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 4 * PAGE, 4), 0);
}

static int unmap(struct raw *raw, uint32_t argsz, uint32_t flags, uint64_t address, uint64_t size)
{
	struct {
		uint32_t argsz, flags;
		uint64_t address, size;
	} m = {argsz, flags, address, size};

	return raw_call(raw, DMA_UNMAP, &m, sizeof m, NULL, 0);
}

static void everything_is_unmapped_at_once(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 0, PAGE, RW, raw->memory, 0);
	raw_map(raw, -PAGE, PAGE, RW, raw->memory, 0);
	assert_int_equal(unmap(raw, 24, 2, 0, PAGE), EINVAL); /* all is all: no range with it */
	assert_int_equal(unmap(raw, 24, 2, PAGE, 0), EINVAL);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), 0);
	assert_int_equal(unmap(raw, 24, 2, 0, 0), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), EFAULT);
	assert_int_equal(reach(raw, MOVER_WRITE, -PAGE, 4), EFAULT);
	assert_int_equal(unmap(raw, 24, 2, 0, 0), 0);
}

static void an_unmap_that_makes_no_sense_is_refused(void **state)
{
	struct raw *raw = *state;
	uint8_t with_bitmap[24 + 16] = {40, 0, 0, 0, 1};

	raw_map(raw, 0, PAGE, RW, raw->memory, 0);
	assert_int_equal(unmap(raw, 24, 0, 0, 0), EINVAL);
	assert_int_equal(unmap(raw, 24, 0, PAGE, UINT64_MAX), EINVAL);
	assert_int_equal(unmap(raw, 23, 0, 0, PAGE), EINVAL);
	assert_int_equal(unmap(raw, 24, 4, 0, PAGE), EINVAL);
	assert_int_equal(unmap(raw, 24, 1, 0, PAGE), EOPNOTSUPP); /* dirty pages */
	assert_int_equal(raw_call(raw, DMA_UNMAP, with_bitmap, sizeof with_bitmap, NULL, 0), EOPNOTSUPP);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), 0);
}

/* -- many ------------------------------------------------------------------------------------------------------- */

static int count_lines(const char *path, const char *with)
{
	FILE *file = fopen(path, "r");
	char line[512];
	int count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		count += strstr(line, with) != NULL;
	fclose(file);
	return count;
}

static void pages_of_one_file_share_one_mapping(void **state)
{
	struct raw *raw = *state;
	int before = count_lines("/proc/self/maps", "memfd:raw");

	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(raw_map(raw, i * 3 * PAGE, PAGE, RW, raw->memory, i * 7 % 256 * PAGE), 0);
	assert_int_equal(count_lines("/proc/self/maps", "memfd:raw"), before + 1);
	for (uint64_t i = 0; i < 5000; i += 997) {
		raw->at[i * 7 % 256 * PAGE] = (uint8_t)(i + 1);
		assert_int_equal(reach(raw, MOVER_READ, i * 3 * PAGE, 1), 0);
		assert_int_equal(raw_read(raw, BAR2, 0) & 0xff, (uint8_t)(i + 1));
	}
	assert_int_equal(unmap(raw, 24, 2, 0, 0), 0);
	assert_int_equal(raw_unmap(raw, 0, PAGE), 0);
}

static void memory_that_the_client_took_back_is_given_back(void **state)
{
	struct raw *raw = *state;
	int before = count_lines("/proc/self/maps", "memfd:raw");

	raw_map(raw, 0, PAGE, RW, raw->memory, 0);
	assert_int_equal(count_lines("/proc/self/maps", "memfd:raw"), before + 1);
	assert_int_equal(raw_unmap(raw, 0, PAGE), 0);
	while (count_lines("/proc/self/maps", "memfd:raw") > before) /* in a second, with no request needed for it */
		usleep(10000);
}

static void a_file_that_grew_is_mapped_further(void **state)
{
	struct raw *raw = *state;
	int fd = memfd_create("grows", 0);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, fd, 0), 0);
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(raw_map(raw, PAGE, 7 * PAGE, RW, fd, PAGE), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 0x3000), 0);
	close(fd);
}

static void a_huge_file_is_mapped_where_it_is_used(void **state)
{
	struct raw *raw = *state;
	int fd = memfd_create("huge", 0);
	const uint64_t size = UINT64_C(1) << 50;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(raw_map(raw, 0, size, RW, fd, 0), ENOMEM);
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(raw_map(raw, i * PAGE, PAGE, RW, fd, i << 46), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 0x4000), 0);
	close(fd);
}

static void more_files_than_a_client_may_have_are_refused(void **state)
{
	struct raw *raw = *state;
	uint64_t n;

	for (n = 0; n < 1000; n++) {
		int fd = memfd_create("one of many", MFD_CLOEXEC), error;

		assert_int_equal(ftruncate(fd, PAGE), 0);
		error = raw_map(raw, n * PAGE, PAGE, RW, fd, 0);
		close(fd);
		if (error)
			assert_int_equal(error, ENOSPC);
		if (error)
			break;
	}
	assert_int_equal(n, 512);
	assert_int_equal(raw_unmap(raw, 0, n * PAGE), 0);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, raw->memory, 0), 0);
}

static void more_regions_than_agreed_on_are_refused(void **state)
{
	struct raw *raw = *state;
	struct {
		struct header h;
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} m = {{1, DMA_MAP, 48, 0x10, 0}, 32, RW, 0, 0, PAGE};

	for (uint64_t i = 0; i < 65535; i++) {
		m.address = 2 * i * PAGE;
		assert_true(raw_write(raw, &m, sizeof m, NULL, 0));
	}
	assert_int_equal(raw_map(raw, HIGH, PAGE, RW, -1, 0), ENOSPC);
	assert_int_equal(raw_map(raw, 0, PAGE, RW, -1, 0), EEXIST);
	assert_int_equal(raw_unmap(raw, 100 * PAGE, PAGE), 0);
	assert_int_equal(raw_map(raw, HIGH, PAGE, RW, -1, 0), 0);
}

/* -- jobs ------------------------------------------------------------------------------------------------------- */

static void a_job_moves_bytes_and_raises_its_cause(void **state)
{
	struct raw *raw = *state;
	int event = eventfd(0, EFD_CLOEXEC);

	raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0);
	raw_irqs(raw, MSI, EVENTFD | TRIGGER, 0, 1, &event, 1);
	raw_poke(raw, BAR0, MOVER_ENABLE, 1);
	raw_poke(raw, BAR2, 0, 0x600df00d);
	raw_command(raw, MOVER_JOB_WRITE, 0x100, 0x10000);
	assert_int_equal(raw_await(event), 1);
	assert_int_equal(raw_result(raw), 0);
	assert_memory_equal(raw->at + 0x100 + MOVER_BUFFER_SIZE, "\x0d\xf0\x0d\x60", 4);
	assert_int_equal(raw_read(raw, BAR0, MOVER_STEPS), 16);
	close(event);
}

static void a_job_takes_the_time_its_hardware_would(void **state)
{
	struct raw *raw = *state;
	struct timespec from, to;

	raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0);
	raw_poke(raw, BAR0, MOVER_DURATION, 10000000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	raw_command(raw, MOVER_JOB_WRITE, 0, 3 * MOVER_STEP);
	assert_int_equal(raw_read(raw, BAR0, MOVER_RESULT), MOVER_BUSY);
	assert_int_equal(raw_result(raw), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec >= 30000000);
}

static void wait_for_fill(const struct raw *raw)
{
	const volatile uint8_t *last = raw->at + 0x7fff;

	while (!*last)
		sched_yield();
}

static void after_unmap_no_byte_is_written(void **state)
{
	struct raw *raw = *state;

	for (int round = 0; round < 50; round++) {
		assert_int_equal(raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0), 0);
		raw_command(raw, MOVER_JOB_FILL, 0, 0x8000);
		wait_for_fill(raw);
		assert_int_equal(raw_unmap(raw, 0, RAW_MEMORY), 0);
		memset(raw->at, 0, 0x8000);
		assert_int_equal(raw_result(raw), EFAULT);
		for (int i = 0; i < 0x8000; i++)
			assert_int_equal(raw->at[i], 0);
	}
}

static void after_a_job_is_stopped_or_reset_no_byte_is_written(void **state)
{
	struct raw *raw = *state;

	raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0);
	for (int round = 0; round < 50; round++) {
		raw_command(raw, MOVER_JOB_FILL, 0, 0x8000);
		wait_for_fill(raw);
		if (round % 2) {
			raw_poke(raw, BAR0, MOVER_COMMAND, MOVER_STOP);
		} else {
			raw_call(raw, RESET, NULL, 0, NULL, 0);
			raw_poke(raw, CONFIG, 4, 6);
		}
		memset(raw->at, 0, 0x8000);
		for (int i = 0; i < 0x8000; i++)
			assert_int_equal(raw->at[i], 0);
	}
}

static void a_client_that_leaves_in_the_middle_of_a_job_takes_its_memory_along(void **state)
{
	struct raw *raw = *state;

	for (int round = 0; round < 20; round++) {
		assert_int_equal(raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0), 0);
		raw_command(raw, MOVER_JOB_FILL, 0, 0x8000);
		wait_for_fill(raw);
		raw_reconnect(raw);
		memset(raw->at, 0, 0x8000);
		assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
		raw_poke(raw, CONFIG, 4, 6);
		assert_int_equal(raw_read(raw, BAR0, MOVER_RESULT), 0);
		assert_int_equal(raw->at[0], 0);
	}
}

static void registers_answer_while_a_job_runs(void **state)
{
	struct raw *raw = *state;
	uint32_t steps;

	raw_map(raw, 0, RAW_MEMORY, RW, raw->memory, 0);
	raw_command(raw, MOVER_JOB_FILL, 0, 0x8000);
	steps = raw_read(raw, BAR0, MOVER_STEPS);
	while (raw_read(raw, BAR0, MOVER_STEPS) < steps + 10)
		;
	raw_poke(raw, BAR0, MOVER_COMMAND, MOVER_STOP);
	steps = raw_read(raw, BAR0, MOVER_STEPS);
	assert_int_equal(raw_read(raw, BAR0, MOVER_STEPS), steps);
}

/* -- memory that vanishes --------------------------------------------------------------------------------------- */

static void a_file_cut_short_costs_its_client_the_connection(void **state)
{
	struct raw *raw = *state;
	int fd = memfd_create("shrinks", 0);

	us_guard_install(); /* cmocka took SIGBUS for itself when this test began */
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	assert_int_equal(raw_map(raw, 0, 16 * PAGE, RW, fd, 0), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 8 * PAGE, 4), 0);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(reach(raw, MOVER_WRITE, 0, 4), 0); /* the page that is left */
	raw_send(raw, REGION_WRITE, 0x10,
		 (uint32_t[]){MOVER_ADDRESS, 0, BAR0, 8, 8 * PAGE, 0}, 24, NULL, 0);
	raw_send(raw, REGION_WRITE, 0x10, (uint32_t[]){MOVER_COMMAND, 0, BAR0, 4, MOVER_WRITE}, 20, NULL, 0);
	assert_false(raw_receive(raw));
	close(fd);
	raw_reconnect(raw);
	assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
}

static void a_file_cut_short_in_the_middle_of_a_job_costs_no_more(void **state)
{
	struct raw *raw = *state;

	us_guard_install();
	for (int round = 0; round < 10; round++) {
		int fd = memfd_create("shrinks", 0);

		assert_int_equal(ftruncate(fd, 64 * PAGE), 0);
		assert_int_equal(raw_map(raw, 0, 64 * PAGE, RW, fd, 0), 0);
		raw_command(raw, MOVER_JOB_FILL, 0, 64 * PAGE);
		assert_int_equal(ftruncate(fd, 0), 0);
		close(fd);
		while (raw_call(raw, 99, NULL, 0, NULL, 0) == ENOSYS)
			;
		raw_reconnect(raw);
		assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
		raw_poke(raw, CONFIG, 4, 6);
	}
}

static void nothing_stays_behind_a_client(void **state)
{
	struct raw *raw = *state;
	int fds = raw_count_fds(raw), maps = count_lines("/proc/self/maps", "memfd:raw");

	for (int round = 0; round < 20; round++) {
		for (uint64_t i = 0; i < 20; i++)
			raw_map(raw, i * PAGE, PAGE, i % 2 ? R : RW, raw->memory, i * PAGE);
		raw_reconnect(raw);
		raw_version(raw, 0, 1, NULL);
	}
	assert_int_equal(raw_count_fds(raw), fds);
	assert_int_equal(count_lines("/proc/self/maps", "memfd:raw"), maps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_writes_and_reads_mapped_memory),
		TEST(what_is_not_mapped_is_not_reached),
		TEST(what_may_only_be_read_is_not_written),
		TEST(an_access_goes_over_neighbouring_regions),
		TEST(without_bus_mastering_nothing_moves),
		TEST(the_last_page_of_64_bits_is_a_page_like_others),
		TEST(mapped_over_what_is_mapped_is_refused),
		TEST(a_map_that_makes_no_sense_is_refused),
		TEST(descriptors_that_can_not_be_mapped_are_refused),
		TEST(a_file_sealed_against_writing_may_be_read),
		TEST(one_descriptor_is_enough),
		TEST(descriptors_go_with_their_message_in_a_burst),
		TEST(what_was_unmapped_is_no_longer_reached),
		TEST(an_unmap_that_spans_or_misses_regions_succeeds),
		TEST(an_unmap_that_cuts_a_region_is_refused_and_takes_nothing),
		TEST(everything_is_unmapped_at_once),
		TEST(an_unmap_that_makes_no_sense_is_refused),
		TEST(pages_of_one_file_share_one_mapping),
		TEST(memory_that_the_client_took_back_is_given_back),
		TEST(a_file_that_grew_is_mapped_further),
		TEST(a_huge_file_is_mapped_where_it_is_used),
		TEST(more_files_than_a_client_may_have_are_refused),
		TEST(more_regions_than_agreed_on_are_refused),
		TEST(a_job_moves_bytes_and_raises_its_cause),
		TEST(a_job_takes_the_time_its_hardware_would),
		TEST(after_unmap_no_byte_is_written),
		TEST(after_a_job_is_stopped_or_reset_no_byte_is_written),
		TEST(a_client_that_leaves_in_the_middle_of_a_job_takes_its_memory_along),
		TEST(registers_answer_while_a_job_runs),
		TEST(a_file_cut_short_costs_its_client_the_connection),
		TEST(a_file_cut_short_in_the_middle_of_a_job_costs_no_more),
		TEST(nothing_stays_behind_a_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
