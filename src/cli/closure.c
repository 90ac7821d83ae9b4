/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Asks for a shared object, which names no interpreter of its own. */
#define DEFAULT_INTERPRETER "/lib64/ld-linux-x86-64.so.2"

/*
 * Reads the program headers: 1 and the interpreter's path for a file to be linked when it is loaded, 0 for a static
 * program and for what is no ELF file of this machine's.
 */
static int interpreter(int fd, char path[PATH_MAX])
{
	bool dynamic = false;
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (pread(fd, &e, sizeof e, 0) != sizeof e || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
	    e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof p)
		return 0;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (pread(fd, &p, sizeof p, (off_t)(e.e_phoff + i * sizeof p)) != sizeof p)
			return 0;
		if (p.p_type == PT_DYNAMIC)
			dynamic = true;
		if (p.p_type != PT_INTERP)
			continue;
		if (!p.p_filesz || p.p_filesz > PATH_MAX ||
		    pread(fd, path, p.p_filesz, (off_t)p.p_offset) != (ssize_t)p.p_filesz)
			return 0;
		path[p.p_filesz - 1] = '\0';
		return 1;
	}
	strcpy(path, DEFAULT_INTERPRETER);
	return dynamic;
}

/* Starts `loader --list path` and gives the end of its output to read from. */
static pid_t ask(const char *loader, const char *path, FILE **answer)
{
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (dup2(out[1], 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		execl(loader, loader, "--list", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		pid = -errno;
	close(out[1]);
	*answer = pid > 0 ? fdopen(out[0], "r") : NULL;
	if (!*answer)
		close(out[0]);
	return pid;
}

/* One line of the answer: "name => /path (address)", "/path (address)", "name => not found", "name (address)". */
static int line_says(char *line, const char *path, struct us_list *needs, struct us_error *err)
{
	char *name = line + strspn(line, " \t");
	char *arrow = strstr(name, " => ");
	char *file = arrow ? arrow + 4 : name;
	char *end = strstr(file, " (0x");

	if (arrow && !end)
		return us_fail(err, -ENOENT, "'%s' needs %.*s, which is not on this machine", path, (int)(arrow - name),
			       name);
	if (end)
		*end = '\0';
	if (end && file[0] == '/' && !us_list_has(needs, file))
		us_list_add(needs, "%s", file);
	return 0;
}

int us_closure(const char *path, struct us_list *needs, struct us_error *err)
{
	char loader[PATH_MAX], line[2 * PATH_MAX];
	FILE *answer = NULL;
	int fd, rc, status;
	pid_t pid;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return us_fail(err, -errno, "cannot read '%s': %s", path, strerror(errno));
	rc = interpreter(fd, loader);
	close(fd);
	if (!rc)
		return 0;
	if (!us_list_has(needs, loader))
		us_list_add(needs, "%s", loader);
	pid = ask(loader, path, &answer);
	if (pid < 0)
		return us_fail(err, (int)pid, "cannot start '%s' to ask what '%s' needs: %s", loader, path,
			       strerror((int)-pid));
	rc = 0;
	while (!rc && answer && fgets(line, sizeof line, answer)) {
		line[strcspn(line, "\n")] = '\0';
		rc = line_says(line, path, needs, err);
	}
	if (answer)
		fclose(answer);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status)))
		rc = us_fail(err, -ENOEXEC, "'%s' could not tell what '%s' needs: is it a program of this machine's?", loader,
			     path);
	return rc ? rc : us_list_ok(needs, err);
}
