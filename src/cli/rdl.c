/* SPDX-License-Identifier: Apache-2.0 */
/* understudy rdl: reads a SystemRDL file, and makes something from it. */
#include "cli/cli.h"
#include "rdl/rdl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *summary;
	int (*write)(struct us_rdl *rdl, FILE *out); /* NULL: nothing is written */
} actions[] = {
	{"check", "report what is wrong in FILE, and write nothing", NULL},
	{"header", "write a C header of offsets, masks and values", us_rdl_write_header},
	{"html", "write a page from which a driver can be written", us_rdl_write_html},
	{"dump", "write every field as JSON", us_rdl_write_dump},
	{"map", "write the C register map that a model is made with", us_rdl_write_map},
};

#define ACTIONS (sizeof actions / sizeof actions[0])

struct arguments {
	struct us_rdl_options options;
	const char **include, **define, **param; /* NULL ends each */
	size_t includes, defines, params;
	const char *output, *depfile, *file;
	size_t action;
};

static void usage(FILE *to)
{
	fprintf(to, "Usage: understudy rdl ACTION [OPTION]... FILE.rdl\n"
		    "Read a SystemRDL 2.0 file, and make something from it.\n\n");
	for (size_t i = 0; i < ACTIONS; i++)
		fprintf(to, "  %-10s %s\n", actions[i].name, actions[i].summary);
	fprintf(to, "\n"
		    "  -o, --output FILE          write to FILE; without it, to standard output\n"
		    "  -I, --include DIR          look for included files in DIR too; may be repeated\n"
		    "  -D, --define NAME[=VALUE]  define a macro; may be repeated\n"
		    "  -P, --param NAME=VALUE     set a parameter of the top address map; may be repeated\n"
		    "      --top NAME             the top address map; without it, the last one in FILE\n"
		    "      --depfile FILE         write to FILE which files were read, as a rule for make\n"
		    "      --help                 print this\n");
}

static int parse_options(int argc, char **argv, struct arguments *arguments)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'}, {"include", required_argument, NULL, 'I'},
		{"define", required_argument, NULL, 'D'}, {"param", required_argument, NULL, 'P'},
		{"top", required_argument, NULL, 't'},	  {"depfile", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:I:D:P:", longs, NULL)) != -1)
		switch (option) {
		case 'o':
			arguments->output = optarg;
			break;
		case 'I':
			arguments->include[arguments->includes++] = optarg;
			break;
		case 'D':
			arguments->define[arguments->defines++] = optarg;
			break;
		case 'P':
			arguments->param[arguments->params++] = optarg;
			break;
		case 't':
			arguments->options.top = optarg;
			break;
		case 'd':
			arguments->depfile = optarg;
			break;
		case 'h':
			usage(stdout);
			return -1;
		default:
			fprintf(stderr, "Try 'understudy rdl --help'.\n");
			return US_EXIT_USAGE;
		}
	return US_EXIT_OK;
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	int status = parse_options(argc, argv, arguments);

	if (status)
		return status;
	if (argc - optind != 2) {
		fprintf(stderr, "understudy rdl: %s\nTry 'understudy rdl --help'.\n",
			argc - optind < 2 ? "an action and a file are needed" : "one file at a time");
		return US_EXIT_USAGE;
	}
	while (arguments->action < ACTIONS && strcmp(argv[optind], actions[arguments->action].name))
		arguments->action++;
	arguments->file = argv[optind + 1];
	if (arguments->action < ACTIONS)
		return US_EXIT_OK;
	fprintf(stderr, "understudy rdl: no action '%s': see 'understudy rdl --help'\n", argv[optind]);
	return US_EXIT_USAGE;
}

/* A file name as make wants it. */
static void write_escaped(FILE *out, const char *name)
{
	for (; *name; name++) {
		if (*name == ' ' || *name == '#' || *name == '\\')
			fputc('\\', out);
		if (*name == '$')
			fputc('$', out);
		fputc(*name, out);
	}
}

static int finish(FILE *out, const char *name)
{
	bool failed = ferror(out);
	struct stat status;

	errno = 0;
	if (!fclose(out) && !failed)
		return US_EXIT_OK;
	fprintf(stderr, "understudy: %s: %s\n", name, strerror(errno ? errno : EIO));
	if (!lstat(name, &status) && S_ISREG(status.st_mode))
		unlink(name); /* half a file is worse than none; a device, though, is not ours to remove */
	return US_EXIT_FAILED;
}

static int write_depfile(const struct us_rdl *rdl, const struct arguments *arguments)
{
	FILE *out = fopen(arguments->depfile, "w");

	if (!out) {
		fprintf(stderr, "understudy: %s: %s\n", arguments->depfile, strerror(errno));
		return US_EXIT_FAILED;
	}
	write_escaped(out, arguments->output ? arguments->output : "-");
	fputc(':', out);
	for (size_t i = 0; us_rdl_file(rdl, i); i++)
		if (us_rdl_file(rdl, i)[0] != '<') {
			fputc(' ', out);
			write_escaped(out, us_rdl_file(rdl, i));
		}
	fputc('\n', out);
	return finish(out, arguments->depfile);
}

/* The result goes to memory first, so that a failure leaves no half of a file behind. */
static int write_result(struct us_rdl *rdl, const struct arguments *arguments)
{
	char *text = NULL;
	size_t length = 0;
	FILE *memory = open_memstream(&text, &length), *out = stdout;
	int status = US_EXIT_FAILED;

	if (!memory) {
		fprintf(stderr, "understudy: %s\n", strerror(errno));
		return US_EXIT_FAILED;
	}
	if (actions[arguments->action].write(rdl, memory) | fclose(memory)) {
		free(text);
		return US_EXIT_FAILED;
	}
	if (arguments->output)
		out = fopen(arguments->output, "w");
	if (!out) {
		fprintf(stderr, "understudy: %s: %s\n", arguments->output, strerror(errno));
	} else {
		fwrite(text, 1, length, out);
		if (arguments->output)
			status = finish(out, arguments->output);
		else if (!fflush(out) && !ferror(out))
			status = US_EXIT_OK;
		else
			fprintf(stderr, "understudy: standard output: %s\n", strerror(errno));
	}
	free(text);
	return status;
}

static int run(const struct arguments *arguments)
{
	struct us_rdl *rdl = us_rdl_new(&arguments->options);
	int status = US_EXIT_FAILED;

	if (!us_rdl_read_file(rdl, arguments->file)) {
		if (!actions[arguments->action].write)
			status = US_EXIT_OK;
		else if (us_rdl_top(rdl))
			status = write_result(rdl, arguments);
		else
			fprintf(stderr, "understudy: %s: there is no address map in this file\n", arguments->file);
		if (status == US_EXIT_OK && arguments->depfile)
			status = write_depfile(rdl, arguments);
	}
	us_rdl_free(rdl);
	return status;
}

int us_cli_rdl(int argc, char **argv)
{
	struct arguments arguments = {0};
	int status = US_EXIT_FAILED;

	arguments.include = calloc((size_t)argc + 1, sizeof *arguments.include);
	arguments.define = calloc((size_t)argc + 1, sizeof *arguments.define);
	arguments.param = calloc((size_t)argc + 1, sizeof *arguments.param);
	if (!arguments.include || !arguments.define || !arguments.param) {
		fprintf(stderr, "understudy: out of memory\n");
	} else {
		arguments.options = (struct us_rdl_options){.include = arguments.include,
							    .define = arguments.define,
							    .param = arguments.param,
							    .diagnostics = stderr,
							    .colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR")};
		status = parse_arguments(argc, argv, &arguments);
		if (status == US_EXIT_OK)
			status = run(&arguments);
	}
	free(arguments.include);
	free(arguments.define);
	free(arguments.param);
	return status < 0 ? US_EXIT_OK : status;
}
