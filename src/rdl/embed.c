/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by the build: makes a C file that holds understudy.rdl, so that `include finds it with nothing installed, and the
 * name of the directory where it is installed.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
	FILE *in = argc == 4 ? fopen(argv[1], "rb") : NULL;
	FILE *out = in ? fopen(argv[2], "w") : NULL;
	unsigned column = 0;
	int c;

	if (!out) {
		fprintf(stderr, "usage: embed FILE FILE.c DIRECTORY\n");
		return 2;
	}
	fprintf(out, "#include \"rdl/internal.h\"\n\nconst char us_rdl_include_text[] = {\n");
	while ((c = getc(in)) != EOF)
		fprintf(out, "%d,%s", c, ++column % 24 ? " " : "\n");
	fprintf(out, "0};\nconst size_t us_rdl_include_length = sizeof us_rdl_include_text - 1;\n");
	fprintf(out, "const char us_rdl_include_dir[] = \"%s\";\n", argv[3]);
	fclose(in);
	return fclose(out) ? 1 : 0;
}
