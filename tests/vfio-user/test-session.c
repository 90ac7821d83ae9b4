/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that come, go and misbehave; several functions; sleep; sockets and their paths. */
#include "mover.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* -- a session, cut anywhere ------------------------------------------------------------------------------------ */

struct piece {
	struct header h;
	uint8_t payload[64];
	int nfds;
};

static struct piece piece(uint16_t command, const void *payload, size_t size, int nfds)
{
	struct piece p = {{command, command, (uint32_t)(16 + size), 0, 0}, {0}, nfds};

	memcpy(p.payload, payload, size);
	return p;
}

static void a_client_may_vanish_after_every_byte(void **state)
{
	struct raw *raw = raw_open();
	int event = eventfd(0, EFD_CLOEXEC), fds, fd;
	const uint64_t map[4] = {UINT64_C(3) << 32 | 32, 0, 0, 0x4000};
	const uint32_t irqs[5] = {20, EVENTFD | TRIGGER, MSI, 0, 1}, on[5] = {4, 0, CONFIG, 4, 6};
	const uint32_t address[6] = {MOVER_ADDRESS, 0, BAR0, 8, 0, 0}, length[5] = {MOVER_LENGTH, 0, BAR0, 4, 0x4000};
	const uint32_t fill[5] = {MOVER_COMMAND, 0, BAR0, 4, MOVER_JOB_FILL}, read[4] = {0, 0, BAR0, 4};
	const uint32_t all[6] = {24, 2, 0, 0, 0, 0}, bar[8] = {32, 0, BAR2};
	const struct piece session[] = {
		piece(VERSION, "\0\0\1\0{\"capabilities\":{\"write_multiple\":true}}", 45, 0),
		piece(GET_REGION_INFO, bar, 32, 0),
		piece(DMA_MAP, map, 32, 1),
		piece(SET_IRQS, irqs, 20, 1),
		piece(REGION_WRITE, on, 20, 0),
		piece(REGION_WRITE, address, 24, 0),
		piece(REGION_WRITE, length, 20, 0),
		piece(REGION_WRITE, fill, 20, 0),
		piece(REGION_READ, read, 16, 0),
		piece(DMA_UNMAP, all, 24, 0),
		piece(RESET, "", 0, 0),
	};

	(void)state;
	fds = raw_count_fds(NULL);
	for (size_t last = 0; last < sizeof session / sizeof session[0]; last++) {
		for (size_t cut = 1; cut <= session[last].h.size; cut++) {
			for (size_t i = 0; i < last; i++) {
				fd = session[i].h.command == DMA_MAP ? raw->memory : event;
				raw_write(raw, &session[i], session[i].h.size, &fd, session[i].nfds);
			}
			fd = session[last].h.command == DMA_MAP ? raw->memory : event;
			raw_write(raw, &session[last], cut, &fd, session[last].nfds);
			raw_reconnect(raw);
		}
	}
	assert_int_equal(raw_count_fds(NULL), fds);
	assert_int_equal(raw_version(raw, 0, 1, NULL), 0);
	close(event);
	raw_close(raw);
}

static void a_client_that_does_not_read_is_not_served_further(void **state)
{
	struct raw *raw = raw_ready();
	uint32_t read[4] = {0, 0, CONFIG, 4096}, seen = 0;
	int flags = fcntl(raw->fd, F_GETFL), sent = 0;
	struct {
		struct header h;
		uint32_t access[4];
	} m = {{0, REGION_READ, 32, 0, 0}, {0}};

	(void)state;
	memcpy(m.access, read, 16);
	fcntl(raw->fd, F_SETFL, flags | O_NONBLOCK);
	while (raw_write(raw, &m, sizeof m, NULL, 0)) {
		m.h.id = (uint16_t)++sent;
		if (sent == 200000)
			break;
	}
	/* It stopped taking requests; they are all answered once the client reads. */
	fcntl(raw->fd, F_SETFL, flags);
	for (; seen < (uint32_t)sent; seen++) {
		assert_true(raw_receive(raw));
		assert_int_equal(raw->r.h.id, (uint16_t)seen);
	}
	raw_close(raw);
}

/* -- several functions ------------------------------------------------------------------------------------------ */

static void other_functions_are_served_while_one_waits_for_its_client(void **state)
{
	struct raw *one = raw_open(), two = *one;
	struct us_served *served;
	struct us_error err;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	raw_pause(one);
	assert_int_equal(us_server_add(one->server, &mover_model, "second", &served, &err), 0);
	assert_int_equal(us_server_attach(served, pair[1], &err), 0);
	raw_resume(one);
	two.fd = pair[0];
	two.served = served;

	raw_version(one, 0, 1, NULL);
	raw_version(&two, 0, 1, NULL);
	raw_poke(one, CONFIG, 4, 6);
	raw_poke(&two, CONFIG, 4, 6);
	raw_map(one, 0, 0x1000, 3, -1, 0);
	raw_poke(one, BAR0, MOVER_LENGTH, 8);
	raw_send(one, REGION_WRITE, 0x10, (uint32_t[]){MOVER_COMMAND, 0, BAR0, 4, MOVER_WRITE}, 20, NULL, 0);
	assert_true(raw_receive(one)); /* the DMA_WRITE, which we do not answer now */
	for (uint32_t i = 0; i < 100; i++) {
		raw_poke(&two, BAR0, MOVER_SCRATCH, i);
		assert_int_equal(raw_read(&two, BAR0, MOVER_SCRATCH), i);
	}
	raw_write(one, "garbage that is no message", 26, NULL, 0);
	assert_false(raw_receive(one));
	raw_poke(&two, BAR0, MOVER_SCRATCH, 5);
	assert_int_equal(raw_read(&two, BAR0, MOVER_SCRATCH), 5);
	close(two.fd);
	raw_close(one);
}

/* -- time ------------------------------------------------------------------------------------------------------- */

static void a_timer_that_expires_while_its_function_waits_for_the_client_is_not_forgotten(void **state)
{
	struct raw *raw = raw_ready();
	int done = eventfd(0, EFD_CLOEXEC);
	/* In one piece, so that the timer is due only when the function waits. */
	const struct {
		struct header h;
		uint32_t access[5];
	} both[] = {
		{{1, REGION_WRITE, 36, 0x10, 0}, {MOVER_TIMER, 0, BAR0, 4, 1}},
		{{2, REGION_WRITE, 36, 0x10, 0}, {MOVER_COMMAND, 0, BAR0, 4, MOVER_WRITE}},
	};

	(void)state;
	raw_irqs(raw, MSI, EVENTFD | TRIGGER, 0, 1, &done, 1);
	raw_poke(raw, BAR0, MOVER_ENABLE, 2);
	raw_map(raw, 0, 0x1000, 3, -1, 0);
	raw_poke(raw, BAR0, MOVER_LENGTH, 8);
	raw_write(raw, both, sizeof both, NULL, 0);
	assert_true(raw_receive(raw)); /* the DMA_WRITE */
	assert_int_equal(raw->r.h.command, DMA_WRITE);
	raw_write(raw, &(struct header){raw->r.h.id, DMA_WRITE, 16, 1, 0}, 16, NULL, 0);
	assert_int_equal(raw_await(done), 1);
	close(done);
	raw_close(raw);
}

/* -- sleep ------------------------------------------------------------------------------------------------------ */

static void an_idle_server_sleeps_without_waking(void **state)
{
	struct raw *raw = raw_ready();
	uint64_t before, after;

	(void)state;
	assert_int_equal(raw_irqs(raw, MSI, NONE | TRIGGER, 0, 0, NULL, 0), 0);
	usleep(20000); /* it may look a little longer */
	before = us_server_sleeps(raw->server);
	usleep(300000);
	after = us_server_sleeps(raw->server);
	assert_int_equal(after, before);
	raw_read(raw, CONFIG, 0);
	raw_close(raw);
}

/* -- sockets ---------------------------------------------------------------------------------------------------- */

struct place {
	struct raw *raw;
	char directory[64], path[96];
};

static int set_up(void **state)
{
	struct place *p = test_calloc(1, sizeof *p);

	strcpy(p->directory, "/tmp/understudy-test-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	snprintf(p->path, sizeof p->path, "%s/socket", p->directory);
	p->raw = raw_open();
	raw_leave(p->raw);
	raw_wait_gone(p->raw);
	raw_pause(p->raw);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	raw_close(p->raw);
	assert_int_not_equal(access(p->path, F_OK), 0);
	assert_int_equal(rmdir(p->directory), 0);
	test_free(p);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof address))
		return fd;
	close(fd);
	return -1;
}

static void listen_here(struct place *p)
{
	struct us_error err;

	if (us_server_listen(p->raw->served, p->path, &err))
		fail_msg("%s", err.text);
	raw_resume(p->raw);
}

static void a_client_connects_to_the_socket_that_only_the_user_may_open(void **state)
{
	struct place *p = *state;
	struct stat st;

	listen_here(p);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	p->raw->fd = dial(p->path);
	assert_int_equal(raw_version(p->raw, 0, 1, NULL), 0);
}

static void a_second_client_is_turned_away_and_the_first_is_not_disturbed(void **state)
{
	struct place *p = *state;
	char byte;
	int second;

	listen_here(p);
	p->raw->fd = dial(p->path);
	assert_int_equal(raw_version(p->raw, 0, 1, NULL), 0);
	for (int i = 0; i < 20; i++) {
		second = dial(p->path);
		assert_int_equal(recv(second, &byte, 1, 0), 0);
		close(second);
		raw_read(p->raw, CONFIG, 0);
	}
}

static void a_client_right_after_another_is_served(void **state)
{
	struct place *p = *state;

	listen_here(p);
	for (int i = 0; i < 200; i++) {
		p->raw->fd = dial(p->path);
		assert_int_equal(raw_version(p->raw, 0, 1, NULL), 0);
		raw_leave(p->raw);
	}
}

static void a_socket_that_nobody_listens_on_is_replaced(void **state)
{
	struct place *p = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, p->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	listen_here(p);
	p->raw->fd = dial(p->path);
	assert_int_equal(raw_version(p->raw, 0, 1, NULL), 0);
}

static void a_socket_that_somebody_listens_on_is_left_alone(void **state)
{
	struct place *p = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client;
	struct us_error err;

	strcpy(address.sun_path, p->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(us_server_listen(p->raw->served, p->path, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, p->path));
	client = dial(p->path);
	assert_true(client >= 0);
	close(client);
	close(fd);
	unlink(p->path);
	raw_resume(p->raw);
}

static void what_is_no_socket_is_never_removed(void **state)
{
	struct place *p = *state;
	struct us_error err;

	close(open(p->path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(us_server_listen(p->raw->served, p->path, &err), -EEXIST);
	assert_non_null(strstr(err.text, p->path));
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(us_server_listen(p->raw->served, p->path, &err), -EEXIST);
	assert_int_equal(rmdir(p->path), 0);
	assert_int_equal(symlink("/nowhere", p->path), 0);
	assert_int_equal(us_server_listen(p->raw->served, p->path, &err), -EEXIST);
	assert_int_equal(unlink(p->path), 0);
	raw_resume(p->raw);
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
	struct place *p = *state;
	char path[200];
	struct us_error err;

	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[108] = '\0';
	assert_int_equal(us_server_listen(p->raw->served, path, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "107"));
	assert_int_equal(us_server_listen(p->raw->served, "", &err), -ENAMETOOLONG);
	snprintf(path, sizeof path, "%s/no/such/place", p->directory);
	assert_int_equal(us_server_listen(p->raw->served, path, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	raw_resume(p->raw);
}

static void a_socket_that_another_put_there_is_not_removed_at_the_end(void **state)
{
	struct place *p = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	listen_here(p);
	unlink(p->path);
	strcpy(address.sun_path, p->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	raw_close(p->raw);
	assert_int_equal(unlink(p->path), 0);
	close(fd);
	p->raw = raw_open();
}

static void only_a_listening_unix_socket_can_be_handed_over(void **state)
{
	struct place *p = *state;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct us_error err;

	assert_int_equal(us_server_listen_fd(p->raw->served, fd, &err), -EINVAL);
	close(fd);
	assert_int_equal(us_server_listen_fd(p->raw->served, p->raw->memory, &err), -EINVAL);
	assert_int_equal(us_server_listen_fd(p->raw->served, 9999, &err), -EINVAL);
	raw_resume(p->raw);
}

static void a_client_for_which_no_descriptor_is_left_is_turned_away(void **state)
{
	struct place *p = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rlimit before, now;
	int first, second;
	char byte;

	listen_here(p);
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	now = before;
	now.rlim_cur = (rlim_t)first + 1;
	setrlimit(RLIMIT_NOFILE, &now);
	strcpy(address.sun_path, p->path);
	assert_int_equal(connect(first, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(recv(first, &byte, 1, 0), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	close(first);
	second = dial(p->path);
	assert_true(second >= 0);
	p->raw->fd = second;
	assert_int_equal(raw_version(p->raw, 0, 1, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_may_vanish_after_every_byte),
		cmocka_unit_test(a_client_that_does_not_read_is_not_served_further),
		cmocka_unit_test(other_functions_are_served_while_one_waits_for_its_client),
		cmocka_unit_test(a_timer_that_expires_while_its_function_waits_for_the_client_is_not_forgotten),
		cmocka_unit_test(an_idle_server_sleeps_without_waking),
		TEST(a_client_connects_to_the_socket_that_only_the_user_may_open),
		TEST(a_second_client_is_turned_away_and_the_first_is_not_disturbed),
		TEST(a_client_right_after_another_is_served),
		TEST(a_socket_that_nobody_listens_on_is_replaced),
		TEST(a_socket_that_somebody_listens_on_is_left_alone),
		TEST(what_is_no_socket_is_never_removed),
		TEST(a_path_that_no_socket_can_have_is_refused),
		TEST(a_socket_that_another_put_there_is_not_removed_at_the_end),
		TEST(only_a_listening_unix_socket_can_be_handed_over),
		TEST(a_client_for_which_no_descriptor_is_left_is_turned_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
