/* SPDX-License-Identifier: Apache-2.0 */
/* Finding models: built in by name, and in shared objects by path. usage: test-load FOLDER_OF_LOADABLES */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static const struct us_model *find(const char *name)
{
	const struct us_model *model;
	struct us_error err = {""};

	if (us_model_find(name, &model, &err))
		fail_msg("%s", err.text);
	return model;
}

static void assert_not_found(const char *name, int code, const char *words)
{
	const struct us_model *model = (const struct us_model *)name;
	struct us_error err = {""};

	assert_int_equal(us_model_find(name, &model, &err), code);
	assert_null(model);
	if (!strstr(err.text, words))
		fail_msg("expected '%s' in: %s", words, err.text);
}

static const char *in_folder(const char *name)
{
	static char path[1000];

	snprintf(path, sizeof path, "%s/%s.so", folder, name);
	return path;
}

static void a_name_that_is_not_built_in_is_told_which_are(void **state)
{
	(void)state;
	assert_not_found("nonesuch", -ENOENT, "there is no model 'nonesuch'");
	assert_not_found("nonesuch", -ENOENT, "./nonesuch.so");
	assert_not_found("", -ENOENT, "there is no model ''");
}

static void a_file_that_is_not_there_or_no_object_is_named(void **state)
{
	(void)state;
	assert_not_found("./not/there.so", -ENOENT, "./not/there.so can not be read: No such file");
	assert_not_found("/dev/null", -ENOEXEC, "/dev/null");
	assert_not_found("/", -ENOEXEC, "no shared object");
}

static void an_object_without_a_model_is_told_how_to_define_one(void **state)
{
	(void)state;
	assert_not_found(in_folder("loadable-no-model"), -ENOENT, "US_MODEL(");
}

static void a_model_of_another_interface_is_told_to_be_built_again(void **state)
{
	(void)state;
	assert_not_found(in_folder("loadable-wrong-abi"), -EINVAL, "interface 77");
	assert_not_found(in_folder("loadable-wrong-abi"), -EINVAL, "build it again");
}

static void a_map_that_can_not_be_played_is_refused_when_it_is_loaded(void **state)
{
	(void)state;
	assert_not_found(in_folder("loadable-invalid-map"), -EINVAL, "DOUBLE ends beyond");
}

static void a_loaded_model_plays(void **state)
{
	struct rig *rig = rig_open(find(in_folder("loadable-good")));

	(void)state;
	rig_write(rig, 0, 4, 21);
	assert_int_equal(rig_read(rig, 0, 4), 42);
	rig_close(rig);
}

static void many_instances_share_nothing(void **state)
{
	const struct us_model *model = find(in_folder("loadable-good"));
	struct rig *rigs[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		rigs[i] = rig_open(model);
		rig_write(rigs[i], 0, 4, i);
	}
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(rig_read(rigs[i], 0, 4), 2 * i);
		rig_close(rigs[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_not_built_in_is_told_which_are),
		cmocka_unit_test(a_file_that_is_not_there_or_no_object_is_named),
		cmocka_unit_test(an_object_without_a_model_is_told_how_to_define_one),
		cmocka_unit_test(a_model_of_another_interface_is_told_to_be_built_again),
		cmocka_unit_test(a_map_that_can_not_be_played_is_refused_when_it_is_loaded),
		cmocka_unit_test(a_loaded_model_plays),
		cmocka_unit_test(many_instances_share_nothing),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
