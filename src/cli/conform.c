/* SPDX-License-Identifier: Apache-2.0 */
/* understudy conform: runs the tests of a specification on whoever plays the function. */
#include "cli/cli.h"
#include "conform/builtin.h"
#include "conform/suite.h"
#include "device/host.h"
#include "rdl/rdl.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	const char *device, *target;
	struct us_suite_options options;
	bool list;

	/* Where the specification comes from: a model's map, or an .rdl file. */
	const struct us_map *map;
	const struct us_conform *own;
	struct us_rdl_options rdl_options;
	struct us_rdl *rdl;
	char again[512];
};

static void usage(FILE *to)
{
	fputs("Usage: understudy conform DEVICE --on TARGET [OPTION]...\n"
	      "Test a PCI function against its specification.\n\n"
	      "DEVICE is the name of a device that comes with understudy, the path of a shared object with a model\n"
	      "(./mydevice.so), or a SystemRDL file (mydevice.rdl). TARGET is who plays the function: 'model' (in this\n"
	      "process), the path of a vfio-user socket, or a PCI address (0000:03:00.0) that is bound to vfio-pci;\n"
	      "group: or iommufd: before the address says by which of VFIO's ways (default: iommufd where it is there).\n\n"
	      "  -o, --on TARGET     run on TARGET\n"
	      "  -l, --list          list the tests, and the requirements that they check, and run none\n"
	      "  -f, --filter GLOB   select tests by name: 'pci.*', 'registers.STATUS.*'; several with commas,\n"
	      "                      '!registers.*.narrow' takes away\n"
	      "  -s, --seed N        take random patterns from N (default 1); the same seed gives the same run\n"
	      "  -e, --expect FILE   take failures that FILE names, each with a reason, as expected\n"
	      "      --junit FILE    write the results to FILE as JUnit XML too\n"
	      "      --coverage      say what of the specification was exercised, and what was not\n"
	      "  -h, --help          print this\n\n"
	      "Results are TAP on standard output. Exit status: 0 all passed, were skipped or failed as expected, 1 not, 2\n"
	      "usage.\n",
	      to);
}

static int wrong(const char *format, const char *what)
{
	fputs("understudy conform: ", stderr);
	fprintf(stderr, format, what);
	fputs("\nTry 'understudy conform --help'.\n", stderr);
	return -EINVAL;
}

static int seed(struct settings *s, const char *text)
{
	char *end;

	errno = 0;
	s->options.seed = strtoull(text, &end, 0);
	return errno || end == text || *end || *text == '-' ? wrong("--seed takes a number, not '%s'", text) : 0;
}

static int one_option(struct settings *s, int option)
{
	switch (option) {
	case 'o':
		s->target = optarg;
		return 0;
	case 'l':
		s->list = true;
		return 0;
	case 'f':
		s->options.filter = optarg;
		return 0;
	case 's':
		return seed(s, optarg);
	case 'e':
		s->options.expect = optarg;
		return 0;
	case 'j':
		s->options.junit = optarg;
		return 0;
	case 'c':
		s->options.coverage = true;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try 'understudy conform --help'.\n", stderr);
		return -EINVAL;
	}
}

static bool is_rdl(const char *device)
{
	const char *dot = strrchr(device, '.');

	return dot && !strcmp(dot, ".rdl");
}

/* 0: go on, 1: nothing more to do, or negative. */
static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{"on", required_argument, NULL, 'o'},	  {"list", no_argument, NULL, 'l'},
		{"filter", required_argument, NULL, 'f'}, {"seed", required_argument, NULL, 's'},
		{"expect", required_argument, NULL, 'e'}, {"junit", required_argument, NULL, 'j'},
		{"coverage", no_argument, NULL, 'c'},	  {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, error = 0;

	optind = 1;
	while (!error && (option = getopt_long(argc, argv, "o:lf:s:e:h", longs, NULL)) != -1)
		error = one_option(s, option);
	if (error)
		return error;
	if (argc - optind != 1)
		return wrong("%s", argc == optind ? "no device is named" : "one device at a time");
	s->device = argv[optind];
	if (!s->target && !s->list)
		return wrong("who plays %s? --on model, a socket, or a PCI address", s->device);
	if (s->target && !strcmp(s->target, "model") && is_rdl(s->device))
		return wrong("%s is a specification and no model: --on takes a socket or a PCI address", s->device);
	return 0;
}

/* -- the specification ------------------------------------------------------------------------------------------ */

static int from_rdl(struct settings *s, struct us_error *err)
{
	static const char *const none[] = {NULL};

	s->rdl_options = (struct us_rdl_options){.include = none,
						 .define = none,
						 .param = none,
						 .diagnostics = stderr,
						 .colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR")};
	s->rdl = us_rdl_new(&s->rdl_options);
	if (us_rdl_read_file(s->rdl, s->device))
		return us_fail(err, -EINVAL, "%s can not be used", s->device);
	if (!us_rdl_top(s->rdl))
		return us_fail(err, -EINVAL, "%s: there is no address map in this file", s->device);
	s->map = us_rdl_make_map(s->rdl);
	return s->map ? 0 : us_fail(err, -EINVAL, "%s can not become a register map", s->device);
}

/* The tests that a shared object brings along with its model. It is loaded already, and stays so. */
static const struct us_conform *tests_of(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	const struct us_conform *own = object ? dlsym(object, "us_conform") : NULL;

	if (object)
		dlclose(object);
	return own;
}

static int from_model(struct settings *s, struct us_error *err)
{
	const struct us_model *model;
	int rc = us_model_find(s->device, &model, err);

	if (rc)
		return rc;
	s->map = model->map;
	s->own = strchr(s->device, '/') ? tests_of(s->device) : us_conform_find(s->device);
	return 0;
}

/* -- the function ----------------------------------------------------------------------------------------------- */

static int open_function(void *ctx, struct us_function **fn, struct us_error *err)
{
	const struct settings *s = ctx;
	const struct us_pci *pci = &s->map->pci;
	const struct us_function_info *info;
	int rc = us_fn_open(s->target, s->device, fn, err);

	if (rc)
		return rc;
	info = us_fn_info(*fn);
	if (info->vendor_id == pci->vendor_id && info->device_id == pci->device_id)
		return 0;
	rc = us_fail(err, -ENODEV, "%s is %04x:%04x and not %04x:%04x: it is not touched, because it is no %s", s->target,
		     info->vendor_id, info->device_id, pci->vendor_id, pci->device_id, s->map->name);
	us_fn_close(*fn);
	*fn = NULL;
	return rc;
}

static void say_result(const struct us_suite_result *result, const struct settings *s)
{
	fprintf(stderr, "%s on %s: %u passed, %u failed", s->map->name, s->target, result->passed,
		result->failed - result->expected);
	if (result->expected)
		fprintf(stderr, ", %u failed as expected", result->expected);
	fprintf(stderr, ", %u skipped\n", result->skipped);
	if (result->unexpected)
		fprintf(stderr, "understudy conform: %u test%s passed that %s names: it should be brought up to date\n",
			result->unexpected, result->unexpected == 1 ? "" : "s", s->options.expect);
}

static int run(struct settings *s, struct us_error *err)
{
	const struct us_suite_target target = {open_function, s};
	struct us_suite_result result;
	struct us_suite *suite;
	int rc = is_rdl(s->device) ? from_rdl(s, err) : from_model(s, err);

	if (!rc)
		rc = us_suite_new(s->map, s->own, &s->options, &suite, err);
	if (rc)
		return rc;
	if (s->list) {
		us_suite_list(suite, stdout);
	} else if (!(rc = us_suite_run(suite, &target, &result, err))) {
		say_result(&result, s);
		rc = result.failed > result.expected || result.bailed ? 1 : 0;
	}
	us_suite_free(suite);
	if (rc >= 0 && (fflush(stdout) || ferror(stdout)))
		return us_fail(err, -EIO, "standard output: %s", strerror(errno ? errno : EIO));
	return rc;
}

int us_cli_conform(int argc, char **argv)
{
	struct settings s = {.options = {.seed = 1, .tap = stdout, .again = s.again}};
	struct us_error err = {""};
	int rc = parse(&s, argc, argv);

	if (rc)
		return rc > 0 ? US_EXIT_OK : US_EXIT_USAGE;
	if (isatty(STDERR_FILENO))
		s.options.progress = stderr;
	snprintf(s.again, sizeof s.again, "understudy conform %s --on %s", s.device, s.target ? s.target : "");
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of the output, told as such */
	rc = run(&s, &err);
	us_rdl_free(s.rdl);
	if (rc < 0)
		fprintf(stderr, "understudy conform: %s\n", err.text);
	return rc ? US_EXIT_FAILED : US_EXIT_OK;
}
