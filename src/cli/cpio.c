/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void us_cpio_begin(struct us_cpio *cpio, FILE *to)
{
	*cpio = (struct us_cpio){.to = to, .inode = 1};
}

static int written(struct us_cpio *cpio)
{
	return ferror(cpio->to) ? -EIO : 0;
}

static void pad(struct us_cpio *cpio, size_t length)
{
	while (length++ % 4)
		putc(0, cpio->to);
}

/* The header and the name, without the slash in front: the archive is unpacked in the root. */
static void header(struct us_cpio *cpio, const char *name, unsigned mode, size_t length)
{
	const unsigned field[] = {
		cpio->inode++, mode, 0, 0, 1, 0, (unsigned)length, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0,
	};

	fputs("070701", cpio->to);
	for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
		fprintf(cpio->to, "%08x", field[i]);
	fwrite(name, 1, strlen(name) + 1, cpio->to);
	pad(cpio, 110 + strlen(name) + 1);
}

/* Where the path is in the guest; to be freed. NULL with errno. */
static char *guest_path(const char *path)
{
	static const char *const merged[] = {"/bin", "/sbin", "/lib", "/lib64"};
	const char *usr = "";
	char *result;

	if (path[0] != '/' || strstr(path, "/../") || strstr(path, "/./") || strstr(path, "//")) {
		errno = EINVAL;
		return NULL;
	}
	for (size_t i = 0; i < sizeof merged / sizeof merged[0]; i++) {
		size_t n = strlen(merged[i]);

		if (!strncmp(path, merged[i], n) && (path[n] == '/' || !path[n]))
			usr = "/usr";
	}
	if (asprintf(&result, "%s%s", usr, path) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	return result;
}

/* Notes that `path` is added, after the folders above it. Returns 1 when it was added before. */
static int enter(struct us_cpio *cpio, char *path)
{
	if (us_list_has(&cpio->paths, path))
		return 1;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!us_list_has(&cpio->paths, path)) {
			header(cpio, path + 1, S_IFDIR | 0755, 0);
			us_list_add(&cpio->paths, "%s", path);
		}
		*slash = '/';
	}
	us_list_add(&cpio->paths, "%s", path);
	return us_list_ok(&cpio->paths, NULL);
}

/* The whole of an entry whose content is in memory. */
static int entry(struct us_cpio *cpio, const char *path, unsigned mode, const void *data, size_t length)
{
	char *place;
	int rc;

	if (length > UINT32_MAX)
		return -EFBIG;
	place = guest_path(path);
	if (!place)
		return -errno;
	rc = enter(cpio, place);
	if (!rc) {
		header(cpio, place + 1, mode, length);
		fwrite(data, 1, length, cpio->to);
		pad(cpio, length);
		rc = written(cpio);
	}
	free(place);
	return rc < 0 ? rc : 0;
}

int us_cpio_folder(struct us_cpio *cpio, const char *path)
{
	return entry(cpio, path, S_IFDIR | 0755, "", 0);
}

int us_cpio_data(struct us_cpio *cpio, const char *path, unsigned mode, const void *data, size_t length)
{
	return entry(cpio, path, S_IFREG | (mode & 07777), data, length);
}

int us_cpio_link(struct us_cpio *cpio, const char *path, const char *target)
{
	return entry(cpio, path, S_IFLNK | 0777, target, strlen(target));
}

/* Copies `length` bytes, no more if the file has grown since, and -EIO when it has shrunk. */
static int copy(struct us_cpio *cpio, FILE *from, size_t length)
{
	char buffer[65536];

	while (length) {
		size_t n = fread(buffer, 1, length < sizeof buffer ? length : sizeof buffer, from);

		if (!n)
			return -EIO;
		fwrite(buffer, 1, n, cpio->to);
		length -= n;
	}
	return written(cpio);
}

int us_cpio_file(struct us_cpio *cpio, const char *path, const char *host_path)
{
	int fd = open(host_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc; /* a FIFO is refused, not waited for */
	FILE *from = fd < 0 ? NULL : fdopen(fd, "r");
	char *place = NULL;
	struct stat st;

	if (!from) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (fstat(fileno(from), &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > UINT32_MAX)
		rc = -EFBIG;
	else if (!(place = guest_path(path)))
		rc = -errno;
	else
		rc = enter(cpio, place);
	if (!rc) {
		header(cpio, place + 1, S_IFREG | (st.st_mode & 0777), (size_t)st.st_size);
		rc = copy(cpio, from, (size_t)st.st_size);
		pad(cpio, (size_t)st.st_size);
	}
	free(place);
	fclose(from);
	return rc < 0 ? rc : 0;
}

int us_cpio_end(struct us_cpio *cpio)
{
	header(cpio, "TRAILER!!!", 0, 0);
	us_list_free(&cpio->paths);
	return fflush(cpio->to) ? -errno : written(cpio);
}
