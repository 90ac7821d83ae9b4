/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit PATH [stay]: connects to a vfio-user server, agrees on a version, and prints vendor and device in hexadecimal. With
 * "stay" it then waits to be killed. Fails when the server turns it away.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int ask(int fd, const uint32_t *message, size_t size, uint32_t *reply, size_t length)
{
	return send(fd, message, size, MSG_NOSIGNAL) == (ssize_t)size &&
	       recv(fd, reply, length, MSG_WAITALL) == (ssize_t)length;
}

int main(int argc, char **argv)
{
	static const uint32_t version[] = {1 << 16 | 1, 20, 0, 0, 1 << 16}, read[] = {9 << 16 | 2, 32, 0, 0, 0, 0, 7, 4};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint32_t reply[64];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc < 2 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		perror(argv[1]);
		return 1;
	}
	/* 20 bytes and {"capabilities":{}} with its NUL; then 32 and the data */
	if (!ask(fd, version, sizeof version, reply, 20 + 20) || !ask(fd, read, sizeof read, reply, 36)) {
		fprintf(stderr, "%s: the server closed the connection\n", argv[1]);
		return 1;
	}
	printf("%04x:%04x\n", reply[8] & 0xffff, reply[8] >> 16);
	fflush(stdout);
	if (argc > 2)
		pause();
	return 0;
}
