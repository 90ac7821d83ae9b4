/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/closure.h"
#include "cli/cpio.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* An archive in memory, and a reader of it that knows the format from its description alone. */
static char *archive;
static size_t archive_length;
static struct us_cpio cpio;

static int begin(void **state)
{
	(void)state;
	us_cpio_begin(&cpio, open_memstream(&archive, &archive_length));
	return !cpio.to;
}

static int discard(void **state)
{
	(void)state;
	free(archive);
	archive = NULL;
	return 0;
}

static void end(void)
{
	assert_int_equal(us_cpio_end(&cpio), 0);
	fclose(cpio.to);
}

struct entry {
	const char *name, *data;
	unsigned mode, size;
};

static unsigned field(const char *at, int n)
{
	char hex[9] = {0};

	memcpy(hex, at + 6 + 8 * n, 8);
	return (unsigned)strtoul(hex, NULL, 16);
}

/* The entry at `*at`, which goes on to the next; false at the trailer. */
static bool next(size_t *at, struct entry *e)
{
	const char *h = archive + *at;

	assert_true(*at + 110 <= archive_length);
	assert_memory_equal(h, "070701", 6);
	*e = (struct entry){.name = h + 110, .mode = field(h, 1), .size = field(h, 6)};
	assert_int_equal(field(h, 11), strlen(e->name) + 1);
	e->data = archive + ((*at + 110 + field(h, 11) + 3) & ~(size_t)3);
	*at = ((size_t)(e->data - archive) + e->size + 3) & ~(size_t)3;
	return strcmp(e->name, "TRAILER!!!") != 0;
}

static void assert_entries(const char *const *names)
{
	size_t at = 0;
	struct entry e;

	while (next(&at, &e)) {
		assert_non_null(*names);
		assert_string_equal(e.name, *names++);
	}
	assert_null(*names);
	assert_int_equal(at, archive_length);
}

static struct entry find(const char *name)
{
	size_t at = 0;
	struct entry e;

	while (next(&at, &e))
		if (!strcmp(e.name, name))
			return e;
	fail_msg("no entry '%s'", name);
	return e;
}

static void a_path_brings_its_folders_once(void **state)
{
	(void)state;
	assert_int_equal(us_cpio_data(&cpio, "/a/b/one", 0644, "1", 1), 0);
	assert_int_equal(us_cpio_data(&cpio, "/a/b/two", 0644, "22", 2), 0);
	end();
	assert_entries((const char *const[]){"a", "a/b", "a/b/one", "a/b/two", NULL});
	assert_int_equal(find("a").mode, S_IFDIR | 0755);
}

static void the_first_of_two_with_one_path_stays(void **state)
{
	(void)state;
	assert_int_equal(us_cpio_data(&cpio, "/x", 0600, "first", 5), 0);
	assert_int_equal(us_cpio_data(&cpio, "/x", 0644, "second", 6), 0);
	end();
	assert_entries((const char *const[]){"x", NULL});
	assert_memory_equal(find("x").data, "first", 5);
}

static void merged_folders_are_written_behind_their_links(void **state)
{
	(void)state;
	assert_int_equal(us_cpio_data(&cpio, "/lib64/ld.so", 0755, "", 0), 0);
	assert_int_equal(us_cpio_data(&cpio, "/library", 0644, "", 0), 0);
	end();
	assert_entries((const char *const[]){"usr", "usr/lib64", "usr/lib64/ld.so", "library", NULL});
}

static void names_and_contents_of_any_length_are_aligned(void **state)
{
	char path[12] = "/";
	size_t at = 0;
	struct entry e;

	(void)state;
	for (size_t i = 1; i < 9; i++) {
		path[i] = 'n';
		assert_int_equal(us_cpio_data(&cpio, path, 0644, "contents", i), 0);
	}
	end();
	for (size_t i = 1; i < 9; i++) {
		assert_true(next(&at, &e));
		assert_int_equal(e.size, i);
		assert_memory_equal(e.data, "contents", i);
	}
	assert_false(next(&at, &e));
}

static void a_link_holds_its_target(void **state)
{
	(void)state;
	assert_int_equal(us_cpio_link(&cpio, "/l", "/usr/x"), 0);
	end();
	assert_int_equal(find("l").mode, S_IFLNK | 0777);
	assert_memory_equal(find("l").data, "/usr/x", 6);
}

static void a_file_keeps_its_mode_and_contents(void **state)
{
	char name[] = "/tmp/understudy-test-XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(fchmod(fd, 0751), 0);
	assert_int_equal(us_cpio_file(&cpio, "/f", name), 0);
	end();
	close(fd);
	unlink(name);
	assert_int_equal(find("f").mode, S_IFREG | 0751);
	assert_int_equal(find("f").size, 5);
	assert_memory_equal(find("f").data, "hello", 5);
}

static void what_can_not_be_added_is_an_error_and_leaves_no_entry(void **state)
{
	(void)state;
	assert_int_equal(us_cpio_data(&cpio, "relative", 0644, "", 0), -EINVAL);
	assert_int_equal(us_cpio_data(&cpio, "/a/../b", 0644, "", 0), -EINVAL);
	assert_int_equal(us_cpio_file(&cpio, "/f", "/nonexistent"), -ENOENT);
	assert_int_equal(us_cpio_file(&cpio, "/f", "/"), -EISDIR);
	assert_int_equal(us_cpio_file(&cpio, "/f", "/dev/null"), -EINVAL);
	end();
	assert_entries((const char *const[]){NULL});
}

static void a_full_disk_is_noticed(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct us_cpio other;

	(void)state;
	end();
	us_cpio_begin(&other, full);
	us_cpio_folder(&other, "/a");
	assert_int_equal(us_cpio_end(&other), -ENOSPC);
	fclose(full);
}

static void a_program_needs_its_loader_and_libraries(void **state)
{
	struct us_list needs = {0};
	struct us_error err = {0};
	char self[PATH_MAX] = "";
	bool libc = false;

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	assert_int_equal(us_closure(self, &needs, &err), 0);
	assert_true(us_list_has(&needs, "/lib64/ld-linux-x86-64.so.2"));
	for (size_t i = 0; i < needs.count; i++) {
		assert_int_equal(needs.item[i][0], '/');
		libc = libc || strstr(needs.item[i], "/libc.so.6");
	}
	assert_true(libc);
	us_list_free(&needs);
}

static void a_file_that_is_no_program_needs_nothing(void **state)
{
	struct us_list needs = {0};

	(void)state;
	assert_int_equal(us_closure("/etc/passwd", &needs, NULL), 0);
	assert_int_equal(us_closure("/dev/null", &needs, NULL), 0);
	assert_int_equal(needs.count, 0);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct us_list needs = {0};
	struct us_error err = {0};

	(void)state;
	assert_int_equal(us_closure("/nonexistent", &needs, &err), -ENOENT);
	assert_non_null(strstr(err.text, "'/nonexistent'"));
}

static void a_damaged_program_is_refused_with_a_sentence(void **state)
{
	char name[] = "/tmp/understudy-test-XXXXXX", data[2000];
	struct us_list needs = {0};
	struct us_error err = {0};
	FILE *from = fopen("/proc/self/exe", "r");
	int fd = mkstemp(name);

	(void)state;
	assert_int_equal(fread(data, 1, sizeof data, from), sizeof data);
	assert_int_equal(write(fd, data, sizeof data), sizeof data);
	assert_int_equal(us_closure(name, &needs, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, name));
	us_list_free(&needs);
	fclose(from);
	close(fd);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_path_brings_its_folders_once, begin, discard),
		cmocka_unit_test_setup_teardown(the_first_of_two_with_one_path_stays, begin, discard),
		cmocka_unit_test_setup_teardown(merged_folders_are_written_behind_their_links, begin, discard),
		cmocka_unit_test_setup_teardown(names_and_contents_of_any_length_are_aligned, begin, discard),
		cmocka_unit_test_setup_teardown(a_link_holds_its_target, begin, discard),
		cmocka_unit_test_setup_teardown(a_file_keeps_its_mode_and_contents, begin, discard),
		cmocka_unit_test_setup_teardown(what_can_not_be_added_is_an_error_and_leaves_no_entry, begin, discard),
		cmocka_unit_test_setup_teardown(a_full_disk_is_noticed, begin, discard),
		cmocka_unit_test(a_program_needs_its_loader_and_libraries),
		cmocka_unit_test(a_file_that_is_no_program_needs_nothing),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
		cmocka_unit_test(a_damaged_program_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
