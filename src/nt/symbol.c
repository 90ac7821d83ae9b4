/* SPDX-License-Identifier: Apache-2.0 */
#include "nt/symbol.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void us_nt_debug_file(char *to, size_t size, const char *path)
{
	const char *dot = strrchr(path, '.');

	snprintf(to, size, "%.*s.debug", dot ? (int)(dot - path) : (int)strlen(path), path);
	if (access(to, R_OK))
		snprintf(to, size, "%s", path);
}

/* Starts addr2line, which answers "FUNCTION at FILE:LINE" for each address. Returns the stream to read from, or NULL.
 */
static FILE *ask(const char *path, const uint64_t *addresses, unsigned count, pid_t *child)
{
	char command[] = "addr2line", options[] = "-fipe", file[4096], text[US_NT_FRAMES][24];
	char *arguments[US_NT_FRAMES + 4] = {command, options, file};
	posix_spawn_file_actions_t actions;
	int ends[2], rc;

	us_nt_debug_file(file, sizeof(file), path);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text[i], sizeof(text[i]), "0x%" PRIx64, addresses[i]);
		arguments[3 + i] = text[i];
	}
	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(child, command, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (rc) {
		close(ends[0]);
		return NULL;
	}
	return fdopen(ends[0], "r");
}

/* "build/../drivers/x.c:8" is drivers/x.c:8, in the line's own place. */
static void shorten(char *line)
{
	char *up, *begin;

	while ((up = strstr(line, "/../"))) {
		for (begin = up; begin > line && begin[-1] != '/' && begin[-1] != ' '; begin--)
			;
		if (begin == up || begin[0] == '.')
			break;
		memmove(begin, up + 4, strlen(up + 4) + 1);
	}
}

void us_nt_print_symbols(FILE *to, const char *path, const char *name, uint64_t preferred_base,
			 const uint64_t *addresses, unsigned count)
{
	static const char inlined[] = " (inlined by) ";
	char line[1024];
	pid_t child = 0;
	FILE *answer = count ? ask(path, addresses, count, &child) : NULL;
	unsigned done = 0;

	while (answer && fgets(line, sizeof(line), answer)) {
		line[strcspn(line, "\n")] = 0;
		shorten(line);
		if (strncmp(line, inlined, sizeof(inlined) - 1) == 0)
			fprintf(to, "      inlined by %s\n", line + sizeof(inlined) - 1);
		else if (done < count)
			fprintf(to, "  %s+0x%" PRIx64 " %s\n", name, addresses[done++] - preferred_base,
				line[0] == '?' ? "" : line);
	}
	for (; done < count; done++)
		fprintf(to, "  %s+0x%" PRIx64 "\n", name, addresses[done] - preferred_base);
	if (answer) {
		fclose(answer);
		waitpid(child, NULL, 0);
	}
}
