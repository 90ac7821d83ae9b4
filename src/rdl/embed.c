/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by the build: embed OUTPUT.c DIRECTORY {NAME FILE}... makes a C file with each FILE's bytes, NUL-terminated, as
 * NAME and their number as NAME_length, and the directory where understudy.rdl is installed.
 */
#include <stdio.h>

static int embed(FILE *out, const char *name, const char *path)
{
	FILE *in = fopen(path, "rb");
	unsigned column = 0;
	int c;

	if (!in) {
		perror(path);
		return 1;
	}
	fprintf(out, "const char %s[] = {\n", name);
	while ((c = getc(in)) != EOF)
		fprintf(out, "%d,%s", c, ++column % 24 ? " " : "\n");
	fprintf(out, "0};\nconst size_t %s_length = sizeof %s - 1;\n", name, name);
	fclose(in);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *out = argc > 2 ? fopen(argv[1], "w") : NULL;
	int failed = 0;

	if (!out) {
		fprintf(stderr, "usage: embed OUTPUT.c DIRECTORY {NAME FILE}...\n");
		return 2;
	}
	fprintf(out, "#include \"rdl/internal.h\"\n\nconst char us_rdl_include_dir[] = \"%s\";\n", argv[2]);
	for (int i = 3; i + 1 < argc && !failed; i += 2)
		failed = embed(out, argv[i], argv[i + 1]);
	return fclose(out) || failed;
}
