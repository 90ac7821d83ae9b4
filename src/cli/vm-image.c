/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/closure.h"
#include "cli/cpio.h"
#include "cli/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the image in this folder? Copies its two paths. */
static bool image_in(const char *folder, char kernel[PATH_MAX], char initrd[PATH_MAX])
{
	return snprintf(kernel, PATH_MAX, "%s/vmlinuz", folder) < PATH_MAX &&
	       snprintf(initrd, PATH_MAX, "%s/initrd", folder) < PATH_MAX && !access(kernel, R_OK) &&
	       !access(initrd, R_OK);
}

int us_vm_image(char kernel[PATH_MAX], char initrd[PATH_MAX], struct us_error *err)
{
	const char *asked = getenv("UNDERSTUDY_GUEST");
	char installed[PATH_MAX], built[PATH_MAX];

	if (asked) {
		if (image_in(asked, kernel, initrd))
			return 0;
		return us_fail(err, -ENOENT, "no guest image (vmlinuz and initrd) in '%s', which UNDERSTUDY_GUEST names",
			       asked);
	}
	us_vm_tool("guest", built);
	us_vm_beside("share/understudy/guest", installed);
	if (image_in(built, kernel, initrd) || image_in(installed, kernel, initrd))
		return 0;
	return us_fail(err, -ENOENT,
		       "no guest image in '%s': 'tools/setup' in the source makes it; or name a folder with vmlinuz and "
		       "initrd in UNDERSTUDY_GUEST, or a guest of your own with --kernel and --initrd",
		       built);
}

/* The absolute path that `path` has from `folder`, without "." and ".." in it. */
static int absolute(const char *folder, const char *path, char result[PATH_MAX])
{
	char text[2 * PATH_MAX], *rest = text;
	size_t n = 0;

	if (snprintf(text, sizeof text, "%s/%s", path[0] == '/' ? "" : folder, path) >= (int)sizeof text)
		return -ENAMETOOLONG;
	for (char *part = strtok_r(text, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		size_t length = strlen(part);

		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			while (n && result[--n] != '/')
				;
			continue;
		}
		if (n + 1 + length >= PATH_MAX)
			return -ENAMETOOLONG;
		result[n++] = '/';
		memcpy(result + n, part, length);
		n += length;
	}
	result[n] = '\0';
	return n ? 0 : -EISDIR;
}

/* Folders in which the guest's dynamic loader looks by itself, as on every Debian. */
static bool found_by_loader(const char *path)
{
	static const char *const folders[] = {"/lib", "/usr/lib", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
					      "/lib64", "/usr/lib64"};
	size_t length = (size_t)(strrchr(path, '/') - path);

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		if (strlen(folders[i]) == length && !strncmp(path, folders[i], length))
			return true;
	return false;
}

/* The libraries of a program, where they are on this machine, and linked to from where the guest's loader looks. */
static int add_closure(struct us_cpio *cpio, const char *path, struct us_error *err)
{
	struct us_list needs = {0};
	int rc = us_closure(path, &needs, err);

	for (size_t i = 0; !rc && i < needs.count; i++) {
		const char *library = needs.item[i];
		char place[PATH_MAX], link[PATH_MAX + 16];

		rc = absolute("", library, place);
		rc = rc ? rc : us_cpio_file(cpio, place, library);
		if (!rc && !found_by_loader(place)) {
			snprintf(link, sizeof link, "/usr/lib%s", strrchr(place, '/'));
			rc = us_cpio_link(cpio, link, place);
		}
		if (rc)
			us_fail(err, rc, "cannot put '%s', which '%s' needs, into the guest: %s", library, path,
				strerror(-rc));
	}
	us_list_free(&needs);
	return rc;
}

static int add_file(struct us_cpio *cpio, const char *path, const char *place, struct us_error *err)
{
	int rc = us_cpio_file(cpio, place, path);

	if (rc == -EISDIR)
		return us_fail(err, rc, "'%s' is a folder: --add takes files", path);
	if (rc)
		return us_fail(err, rc, "cannot put '%s' into the guest at '%s': %s", path, place, strerror(-rc));
	return add_closure(cpio, path, err);
}

/* FILE, FILE:GUESTPATH or FILE:GUESTFOLDER/. A colon belongs to the name of a file that has one. */
static int add_asked(struct us_cpio *cpio, const char *folder, const char *asked, struct us_error *err)
{
	const char *colon = strrchr(asked, ':');
	char path[PATH_MAX], place[2 * PATH_MAX], full[PATH_MAX];
	int rc;

	if (!colon || !access(asked, F_OK)) {
		rc = absolute(folder, asked, full);
		return rc ? us_fail(err, rc, "cannot add '%s': %s", asked, strerror(-rc)) :
			    add_file(cpio, asked, full, err);
	}
	snprintf(path, sizeof path, "%.*s", (int)(colon - asked), asked);
	if (colon[1] != '/')
		return us_fail(err, -EINVAL, "--add %s: the path in the guest has to begin with '/'", asked);
	if (colon[strlen(colon) - 1] == '/') {
		const char *slash = strrchr(path, '/');

		snprintf(place, sizeof place, "%s%s", colon + 1, slash ? slash + 1 : path);
	} else {
		snprintf(place, sizeof place, "%s", colon + 1);
	}
	rc = absolute("", place, full);
	return rc ? us_fail(err, rc, "cannot add '%s': %s", asked, strerror(-rc)) : add_file(cpio, path, full, err);
}

/*
 * The program that --run begins with, when it is a file of this machine's, named by a path. What lies in the system's
 * own folders is what the guest has too, and stays the guest's.
 */
static int add_program(struct us_cpio *cpio, const char *folder, const char *command, struct us_error *err)
{
	static const char *const system[] = {"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"};
	size_t length = strcspn(command, " \t\n;&|<>()$`\\\"'*?[#~=%");
	char word[PATH_MAX], full[PATH_MAX];
	struct stat st;

	if (length >= sizeof word || !memchr(command, '/', length))
		return 0;
	memcpy(word, command, length);
	word[length] = '\0';
	for (size_t i = 0; i < sizeof system / sizeof system[0]; i++)
		if (!strncmp(word, system[i], strlen(system[i])))
			return 0;
	if (stat(word, &st) || !S_ISREG(st.st_mode) || access(word, X_OK) || absolute(folder, word, full))
		return 0;
	return add_file(cpio, word, full, err);
}

static void quote(FILE *to, const char *text)
{
	putc('\'', to);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", to);
		else
			putc(*text, to);
	putc('\'', to);
}

/*
 * The script that the guest's init runs: in a folder of the same name as ours, so that relative paths mean the same
 * there, and with the sanitizers' options, which a program from here may need.
 */
static int add_run(struct us_cpio *cpio, const char *folder, const char *command, struct us_error *err)
{
	static const char passed[][16] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};
	char *script = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&script, &length);
	int rc;

	if (!to)
		return us_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
		if (!getenv(passed[i]))
			continue;
		fprintf(to, "export %s=", passed[i]);
		quote(to, getenv(passed[i]));
		putc('\n', to);
	}
	fputs("cd ", to);
	quote(to, folder);
	fprintf(to, "\n%s\n", command);
	rc = fclose(to) ? -ENOMEM : 0;
	rc = rc ? rc : us_cpio_folder(cpio, folder);
	rc = rc ? rc : us_cpio_data(cpio, "/understudy/run", 0755, script, length);
	free(script);
	return rc ? us_fail(err, rc, "cannot put the command into the guest: %s", strerror(-rc)) : 0;
}

/* Copies the base, to a multiple of four bytes, where the kernel expects the next archive. */
static int copy_base(const char *base, FILE *to, struct us_error *err)
{
	FILE *from = fopen(base, "re");
	char buffer[65536];
	size_t n, total = 0;
	int rc = 0;

	if (!from)
		return us_fail(err, -errno, "cannot read '%s': %s", base, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, from))) {
		fwrite(buffer, 1, n, to);
		total += n;
	}
	if (ferror(from))
		rc = us_fail(err, -EIO, "cannot read '%s'", base);
	fclose(from);
	for (; total % 4; total++)
		putc(0, to);
	return rc;
}

int us_vm_make_initrd(const struct us_vm *vm, const char *base, const char *path, struct us_error *err)
{
	struct us_cpio cpio;
	char folder[PATH_MAX];
	FILE *to;
	int rc, end;

	if (!getcwd(folder, sizeof folder))
		return us_fail(err, -errno, "the current folder has no name: %s", strerror(errno));
	to = fopen(path, "we");
	if (!to)
		return us_fail(err, -errno, "cannot write '%s': %s", path, strerror(errno));
	rc = copy_base(base, to, err);
	us_cpio_begin(&cpio, to);
	for (size_t i = 0; !rc && i < vm->files.count; i++)
		rc = add_asked(&cpio, folder, vm->files.item[i], err);
	if (!rc && vm->run)
		rc = add_program(&cpio, folder, vm->run, err);
	if (!rc && vm->run)
		rc = add_run(&cpio, folder, vm->run, err);
	end = us_cpio_end(&cpio);
	if (fclose(to) && !end)
		end = -errno;
	if (!rc && end)
		rc = us_fail(err, end, "cannot write '%s': %s", path, strerror(-end));
	return rc;
}
