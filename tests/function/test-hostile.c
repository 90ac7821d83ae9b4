/* SPDX-License-Identifier: Apache-2.0 */
/* The vfio-user client against servers that lie, fall silent, or send nonsense: it survives, and says what was wrong.
 */
#include "body.h"
#include "function/player.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

typedef size_t liar(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length);

/* With this liar the function can not be opened: the code, and words of the sentence. Nothing stays open. */
static void not_opened(liar *lie, unsigned at, uint32_t value, int code, const char *words)
{
	unsigned before = open_files();
	struct peer peer = {.lie = lie, .at = at, .value = value};
	struct us_function *fn;
	struct us_error err = {""};
	int rc;

	peer_start(&peer);
	rc = peer_open(&peer, &fn, &err);
	us_fn_close(fn);
	peer_stop(&peer);
	if (rc != code || !strstr(err.text, words))
		fail_msg("%d, not %d with '%s': %s", rc, code, words, err.text);
	assert_null(fn);
	assert_int_equal(open_files(), before);
}

/* -- every byte -------------------------------------------------------------------------------------------------- */

static void a_server_that_goes_at_any_byte_costs_an_error(void **state)
{
	unsigned before = open_files();
	size_t length;
	uint8_t *stream = peer_record(&length);

	(void)state;
	assert_int_equal(peer_replay(stream, length, 0), 0);
	for (size_t n = 0; n < length; n++)
		assert_int_not_equal(peer_replay(stream, n, n & 1), 0);
	free(stream);
	assert_int_equal(open_files(), before);
}

static void any_byte_may_be_wrong(void **state)
{
	unsigned before = open_files();
	size_t length;
	uint8_t *stream = peer_record(&length);

	(void)state;
	for (size_t n = 0; n < length; n++) {
		const uint8_t honest = stream[n], wrong[] = {0xff, 0, honest ^ 0x80, honest ^ 1};

		for (unsigned i = 0; i < sizeof wrong; i++) {
			stream[n] = wrong[i];
			peer_replay(stream, length, i == 0);
		}
		stream[n] = honest;
	}
	free(stream);
	assert_int_equal(open_files(), before);
}

/* -- messages ---------------------------------------------------------------------------------------------------- */

/* Puts `value` at byte `at` of the reply to the first request. */
static size_t poke(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	(void)request;
	if (!peer->seen++)
		memcpy(reply + peer->at, &peer->value, sizeof peer->value);
	return length;
}

static void replies_that_are_none_end_the_connection(void **state)
{
	(void)state;
	not_opened(poke, offsetof(struct us_vu_header, id), 0x10099, -EIO, "not asked");
	not_opened(poke, offsetof(struct us_vu_header, command), US_VU_DMA_MAP, -EIO, "impossible size");
	not_opened(poke, offsetof(struct us_vu_header, size), 15, -EIO, "impossible size");
	not_opened(poke, offsetof(struct us_vu_header, size), 0, -EIO, "impossible size");
	not_opened(poke, offsetof(struct us_vu_header, size), US_VU_MESSAGE_MAX + 1, -EIO, "impossible size");
	not_opened(poke, offsetof(struct us_vu_header, size), UINT32_MAX, -EIO, "impossible size");
}

static size_t other_command(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	struct us_vu_header *header = (void *)reply;

	if (request->command == US_VU_DEVICE_GET_INFO)
		header->command = US_VU_DEVICE_GET_IRQ_INFO;
	(void)peer;
	return length;
}

static void a_reply_to_another_command_ends_the_connection(void **state)
{
	(void)state;
	not_opened(other_command, 0, 0, -EIO, "not asked");
}

/* Refuses the command `at` with errno `value`. */
static size_t refuse(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	struct us_vu_header header = us_vu_reply(request, -1, 0);

	if (request->command != peer->at)
		return length;
	header.error = peer->value;
	memcpy(reply, &header, sizeof header);
	return sizeof header;
}

static void a_refusal_is_passed_on(void **state)
{
	(void)state;
	not_opened(refuse, US_VU_VERSION, EINVAL, -EINVAL, "refuses VERSION");
	not_opened(refuse, US_VU_DEVICE_GET_INFO, EIO, -EIO, "refuses DEVICE_GET_INFO");
	not_opened(refuse, US_VU_DEVICE_GET_INFO, 0, -EIO, "refuses");
	not_opened(refuse, US_VU_DEVICE_GET_INFO, 0x80000000, -EIO, "refuses");
	not_opened(refuse, US_VU_DEVICE_GET_REGION_INFO, EINVAL, -EPROTO, "no config space");
	not_opened(refuse, US_VU_REGION_READ, EPERM, -EPERM, "a read of 4 bytes at 0x0 of config space");
	not_opened(refuse, US_VU_REGION_WRITE, EPERM, -EPERM, "of config space");
	not_opened(refuse, US_VU_DEVICE_RESET, ENOTTY, -ENOTTY, "DEVICE_RESET");
}

/* Cuts the reply to command `at` to `value` bytes of payload, properly framed. */
static size_t cut(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	struct us_vu_header *header = (void *)reply;

	if (request->command != peer->at || length < sizeof *header + peer->value)
		return length;
	header->size = (uint32_t)sizeof *header + peer->value;
	return header->size;
}

static void short_replies_are_found_out(void **state)
{
	(void)state;
	not_opened(cut, US_VU_VERSION, 0, -EPROTO, "vfio-user");
	not_opened(cut, US_VU_VERSION, 3, -EPROTO, "vfio-user");
	not_opened(cut, US_VU_VERSION, 9, -EPROTO, "JSON");
	not_opened(cut, US_VU_DEVICE_GET_INFO, 15, -EPROTO, "what it serves");
	not_opened(cut, US_VU_DEVICE_GET_REGION_INFO, 31, -EPROTO, "BAR 0");
	not_opened(cut, US_VU_DEVICE_GET_REGION_INFO, 36, -EPROTO, "BAR 2");
	not_opened(cut, US_VU_DEVICE_GET_REGION_INFO, 44, -EPROTO, "BAR 2");
	not_opened(cut, US_VU_DEVICE_GET_REGION_INFO, 60, -EPROTO, "BAR 2");
	not_opened(cut, US_VU_DEVICE_GET_IRQ_INFO, 12, -EPROTO, "INTx");
	not_opened(cut, US_VU_REGION_READ, 0, -EPROTO, "no proper answer");
	not_opened(cut, US_VU_REGION_READ, 19, -EPROTO, "no proper answer");
	not_opened(cut, US_VU_REGION_WRITE, 8, -EPROTO, "no proper answer");
}

/* -- version ----------------------------------------------------------------------------------------------------- */

static const char *json;

static size_t version_of(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	struct us_vu_header header;
	struct us_vu_version version = {(uint16_t)(peer->value >> 16), (uint16_t)peer->value};

	if (request->command != US_VU_VERSION)
		return length;
	header = us_vu_reply(request, 0, sizeof version + (json ? strlen(json) + 1 : 0));
	memcpy(reply, &header, sizeof header);
	memcpy(reply + sizeof header, &version, sizeof version);
	if (json)
		memcpy(reply + sizeof header + sizeof version, json, strlen(json) + 1);
	return header.size;
}

static void capabilities(const char *text, uint32_t version, const char *words)
{
	json = text;
	not_opened(version_of, 0, version, -EPROTO, words);
}

static void versions_and_capabilities_that_can_not_be_are_refused(void **state)
{
	(void)state;
	capabilities("{}", 1 << 16, "version 1.0");
	capabilities("{}", 0xffff, "version 0.65535");
	capabilities("{\"capabilities\":{\"max_msg_fds\":0}}", 0, "no descriptors");
	capabilities("{\"capabilities\":{\"max_data_xfer_size\":4}}", 0, "fewer than 8");
	capabilities("{\"capabilities\":", 0, "JSON");
	capabilities("[[[[[[[[[[[[[[[[", 0, "JSON");
}

static void capabilities_left_out_or_of_strange_kinds_are_as_the_standard_says(void **state)
{
	static const char *const texts[] = {
		NULL,
		"",
		"{}",
		"[]",
		"{\"capabilities\":7}",
		"{\"capabilities\":{\"max_msg_fds\":\"many\"}}",
		"{\"capabilities\":{\"max_msg_fds\":-1,\"max_data_xfer_size\":-5}}",
		"{\"capabilities\":{\"max_msg_fds\":1e9}}",
		"{\"capabilities\":{\"max_msg_fds\":99999999999}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct peer peer = {.lie = version_of};

		json = texts[i];
		peer_start(&peer);
		assert_int_equal(peer_session(peer.client), 0);
		peer_stop(&peer);
	}
}

/* -- what it says of the function -------------------------------------------------------------------------------- */

/* Changes 4 bytes at `at` of BAR 2's region info to `value`. */
static size_t in_region_2(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	const struct us_vu_region_info *info = (void *)(reply + sizeof *request);

	if (request->command == US_VU_DEVICE_GET_REGION_INFO && info->index == 2)
		memcpy(reply + sizeof *request + peer->at, &peer->value, sizeof peer->value);
	return length;
}

static size_t in_irq_info(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	if (request->command == US_VU_DEVICE_GET_IRQ_INFO)
		memcpy(reply + sizeof *request + peer->at, &peer->value, sizeof peer->value);
	return length;
}

static size_t in_device_info(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	if (request->command == US_VU_DEVICE_GET_INFO)
		memcpy(reply + sizeof *request + peer->at, &peer->value, sizeof peer->value);
	return length;
}

static void regions_and_interrupts_that_can_not_be_are_refused(void **state)
{
	(void)state;
	not_opened(in_region_2, offsetof(struct us_vu_region_info, index), 3, -EPROTO, "what BAR 2 is");
	not_opened(in_region_2, offsetof(struct us_vu_region_info, cap_offset), 80, -EPROTO, "pass the end");
	not_opened(in_region_2, offsetof(struct us_vu_region_info, cap_offset), 0xfffffff8, -EPROTO, "pass the end");
	not_opened(in_region_2, offsetof(struct us_vu_region_info, cap_offset), 33, -EPROTO, "pass the end");
}

static void the_areas_of_a_region_lie_in_it(void **state)
{
	const unsigned sparse = sizeof(struct us_vu_region_info), area = sparse + sizeof(struct us_vu_sparse);

	(void)state;
	not_opened(in_region_2, sparse + offsetof(struct us_vu_sparse, nr_areas), 3, -EPROTO, "pass the end");
	not_opened(in_region_2, sparse + offsetof(struct us_vu_sparse, nr_areas), UINT32_MAX, -EPROTO, "pass the end");
	not_opened(in_region_2, area, 100, -EPROTO, "do not lie");
	not_opened(in_region_2, area + 8, 0x5000, -EPROTO, "do not lie");
	not_opened(in_region_2, area + 4, 0xffffffff, -EPROTO, "do not lie");
	not_opened(in_region_2, area + 8, 0, -EPROTO, "do not lie");
	not_opened(in_irq_info, offsetof(struct us_vu_irq_info, count), 2, -EPROTO, "INTx");
	not_opened(in_irq_info, offsetof(struct us_vu_irq_info, count), UINT32_MAX, -EPROTO, "INTx");
	not_opened(in_irq_info, offsetof(struct us_vu_irq_info, index), 1, -EPROTO, "INTx");
	not_opened(in_device_info, offsetof(struct us_vu_device_info, flags), VFIO_DEVICE_FLAGS_PLATFORM, -ENODEV,
		   "PCI");
	not_opened(in_device_info, offsetof(struct us_vu_device_info, num_regions), 7, -EPROTO, "config space");
}

static void more_regions_and_interrupts_than_PCI_has_are_ignored(void **state)
{
	(void)state;
	for (unsigned i = 8; i <= 12; i += 4) {
		struct peer peer = {.lie = in_device_info, .at = i, .value = UINT32_MAX};

		peer_start(&peer);
		assert_int_equal(peer_session(peer.client), 0);
		peer_stop(&peer);
	}
}

/* -- descriptors ------------------------------------------------------------------------------------------------- */

/* `value` descriptors come with each region info. */
static size_t some_fds(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	(void)reply;
	if (request->command != US_VU_DEVICE_GET_REGION_INFO)
		return length;
	while (peer->nfds > peer->value)
		close(peer->fds[--peer->nfds]);
	while (peer->nfds < peer->value)
		peer->fds[peer->nfds++] = dup(peer->memory);
	return length;
}

static void no_descriptor_means_no_mapping_and_too_many_are_closed(void **state)
{
	static const unsigned counts[] = {0, 2, 16, 17, 30};
	unsigned before = open_files();

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct peer peer = {.lie = some_fds, .value = counts[i]};
		struct us_function *fn;
		void *at;

		peer_start(&peer);
		assert_int_equal(peer_open(&peer, &fn, NULL), 0);
		assert_int_equal(us_fn_map_region(fn, US_REGION_BAR0 + 2, 8192, 4096, &at), counts[i] ? 0 : -ENODEV);
		us_fn_close(fn);
		peer_stop(&peer);
		assert_int_equal(open_files(), before);
	}
}

static size_t short_file(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	(void)request;
	(void)reply;
	assert_int_equal(ftruncate(peer->memory, 8192), 0);
	return length;
}

static void a_file_that_is_too_short_is_not_mapped(void **state)
{
	struct peer peer = {.lie = short_file};
	struct us_function *fn;
	void *at;

	(void)state;
	peer_start(&peer);
	assert_int_equal(peer_open(&peer, &fn, NULL), 0);
	assert_done(fn, us_fn_map_region(fn, US_REGION_BAR0 + 2, 0, 4096, &at));
	assert_refused(fn, us_fn_map_region(fn, US_REGION_BAR0 + 2, 8192, 4096, &at), -EPROTO, "too short");
	us_fn_close(fn);
	peer_stop(&peer);
}

/* -- requests of the server -------------------------------------------------------------------------------------- */

static struct us_vu_dma_access wanted;
static uint16_t wanted_command;
static size_t wanted_length;

static size_t ask_first(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	uint8_t payload[sizeof wanted + 64];

	(void)reply;
	if (request->command == US_VU_REGION_READ && wanted_command) {
		memset(payload, 0xa5, sizeof payload);
		memcpy(payload, &wanted, sizeof wanted);
		peer_ask(peer, wanted_command, payload, wanted_length);
		wanted_command = 0;
	}
	return length;
}

/* The server asks this while we wait for a read; its answer's header. */
static struct us_vu_header asked(struct peer *peer, struct us_function *fn, uint16_t command, uint64_t address,
				 uint64_t count, size_t length)
{
	struct us_vu_header header;
	uint64_t value;

	wanted = (struct us_vu_dma_access){address, count};
	wanted_length = length;
	wanted_command = command;
	assert_done(fn, us_fn_read(fn, US_REGION_BAR0, 0, 4, &value));
	assert_true(peer->got_length >= sizeof header);
	memcpy(&header, peer->got, sizeof header);
	assert_int_equal(header.id, 0x7777);
	assert_int_equal(header.command, command);
	assert_int_equal(header.flags & US_VU_TYPE, US_VU_REPLY);
	return header;
}

static void assert_answer(struct us_vu_header header, uint32_t error)
{
	assert_int_equal(header.flags & US_VU_ERROR ? header.error : 0, error);
	if (error)
		assert_int_equal(header.size, sizeof header);
}

static void DMA_by_message_is_served_while_we_wait_for_a_reply(void **state)
{
	struct peer peer = {.lie = ask_first};
	struct us_function *fn;
	struct us_vu_header header;
	uint8_t *memory;
	void *at;

	(void)state;
	wanted_command = 0;
	peer_start(&peer);
	assert_int_equal(peer_open(&peer, &fn, NULL), 0);
	assert_done(fn, us_fn_dma_alloc(fn, 0x10000, 4096, 3, &at));
	assert_done(fn, us_fn_dma_alloc(fn, 0x20000, 4096, US_FN_DMA_READ, &at));
	memory = at;
	memory[5] = 0x42;
	header = asked(&peer, fn, US_VU_DMA_READ, 0x20005, 3, sizeof wanted);
	assert_answer(header, 0);
	assert_int_equal(header.size, sizeof header + sizeof wanted + 3);
	assert_int_equal(peer.got[sizeof header + sizeof wanted], 0x42);
	header = asked(&peer, fn, US_VU_DMA_WRITE, 0x10ff0, 16, sizeof wanted + 16);
	assert_answer(header, 0);
	us_fn_close(fn);
	peer_stop(&peer);
}

static void DMA_by_message_that_can_not_be_is_answered_with_an_error(void **state)
{
	struct peer peer = {.lie = ask_first};
	struct us_function *fn;
	void *at;

	(void)state;
	wanted_command = 0;
	peer_start(&peer);
	assert_int_equal(peer_open(&peer, &fn, NULL), 0);
	assert_done(fn, us_fn_dma_alloc(fn, 0x10000, 4096, US_FN_DMA_READ, &at));
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, 0x99999000, 4, sizeof wanted), EFAULT);
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, 0x10ffe, 4, sizeof wanted), EFAULT);
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, UINT64_MAX, 2, sizeof wanted), EFAULT);
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, 0x10000, UINT64_MAX, sizeof wanted), EINVAL);
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, 0x10000, (1 << 20) + 1, sizeof wanted), EINVAL);
	assert_answer(asked(&peer, fn, US_VU_DMA_READ, 0x10000, 4, 15), EINVAL);
	assert_answer(asked(&peer, fn, US_VU_DMA_WRITE, 0x10000, 4, sizeof wanted + 4), EACCES);
	assert_answer(asked(&peer, fn, US_VU_DMA_WRITE, 0x10000, 4, sizeof wanted + 3), EINVAL);
	assert_answer(asked(&peer, fn, US_VU_DMA_WRITE, 0x10000, 4, sizeof wanted), EINVAL);
	assert_answer(asked(&peer, fn, US_VU_DMA_MAP, 0, 0, 32), EOPNOTSUPP);
	assert_answer(asked(&peer, fn, 999, 0, 0, 0), EINVAL);
	us_fn_close(fn);
	peer_stop(&peer);
}

static size_t go_away(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	(void)peer;
	(void)reply;
	return request->command == US_VU_DMA_MAP ? 0 : length;
}

static void once_the_server_is_gone_every_call_says_so(void **state)
{
	struct peer peer = {.lie = go_away};
	struct us_function *fn;
	uint64_t value;
	void *at;

	(void)state;
	peer_start(&peer);
	assert_int_equal(peer_open(&peer, &fn, NULL), 0);
	assert_done(fn, us_fn_irq_enable(fn, US_MSI, 1));
	assert_refused(fn, us_fn_dma_alloc(fn, 0x1000, 4096, 3, &at), -EIO, "closed the connection");
	assert_null(at);
	assert_refused(fn, us_fn_read(fn, US_REGION_BAR0, 0, 4, &value), -EIO, "closed the connection");
	assert_refused(fn, us_fn_write(fn, US_REGION_BAR0, 0, 4, 0), -EIO, "the connection is gone");
	assert_int_equal(us_fn_read32(fn, US_REGION_BAR0, 0), UINT32_MAX);
	assert_int_equal(us_fn_irq_wait(fn, US_MSI, 0, US_FOREVER, NULL), -EIO);
	assert_int_equal(us_fn_irq_disable(fn, US_MSI), -EIO);
	assert_int_equal(us_fn_reset(fn), -EIO);
	us_fn_sleep(fn, US_FOREVER); /* there is nothing to sleep for */
	us_fn_close(fn);
	peer_stop(&peer);
}

static size_t go_away_now(struct peer *peer, const struct us_vu_header *request, uint8_t *reply, size_t length)
{
	(void)peer;
	(void)reply;
	return request->command == US_VU_DEVICE_SET_IRQS ? 0 : length;
}

static void a_server_that_goes_while_we_wait_for_an_interrupt_ends_the_wait(void **state)
{
	struct peer peer = {.lie = NULL};
	struct us_function *fn;

	(void)state;
	peer_start(&peer);
	assert_int_equal(peer_open(&peer, &fn, NULL), 0);
	assert_done(fn, us_fn_irq_enable(fn, US_INTX, 1));
	peer.lie = go_away_now;
	shutdown(peer.socket, SHUT_RDWR);
	assert_int_equal(us_fn_irq_wait(fn, US_INTX, 0, US_FOREVER, NULL), -EIO);
	us_fn_close(fn);
	peer_stop(&peer);
}

/* -- sockets ----------------------------------------------------------------------------------------------------- */

static void paths_that_are_no_server_are_explained(void **state)
{
	struct us_function *fn;
	struct us_error err;
	char path[300];

	(void)state;
	assert_int_equal(us_fn_open("/nonexistent/x.sock", NULL, &fn, &err), -ENOENT);
	assert_non_null(strstr(err.text, "understudy serve"));
	assert_int_equal(us_fn_open("/dev/null", NULL, &fn, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "not a socket"));
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_int_equal(us_fn_open(path, NULL, &fn, &err), -ENAMETOOLONG);
	assert_null(fn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_goes_at_any_byte_costs_an_error),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(replies_that_are_none_end_the_connection),
		cmocka_unit_test(a_reply_to_another_command_ends_the_connection),
		cmocka_unit_test(a_refusal_is_passed_on),
		cmocka_unit_test(short_replies_are_found_out),
		cmocka_unit_test(versions_and_capabilities_that_can_not_be_are_refused),
		cmocka_unit_test(capabilities_left_out_or_of_strange_kinds_are_as_the_standard_says),
		cmocka_unit_test(regions_and_interrupts_that_can_not_be_are_refused),
		cmocka_unit_test(the_areas_of_a_region_lie_in_it),
		cmocka_unit_test(more_regions_and_interrupts_than_PCI_has_are_ignored),
		cmocka_unit_test(no_descriptor_means_no_mapping_and_too_many_are_closed),
		cmocka_unit_test(a_file_that_is_too_short_is_not_mapped),
		cmocka_unit_test(DMA_by_message_is_served_while_we_wait_for_a_reply),
		cmocka_unit_test(DMA_by_message_that_can_not_be_is_answered_with_an_error),
		cmocka_unit_test(once_the_server_is_gone_every_call_says_so),
		cmocka_unit_test(a_server_that_goes_while_we_wait_for_an_interrupt_ends_the_wait),
		cmocka_unit_test(paths_that_are_no_server_are_explained),
	};

	signal(SIGPIPE, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
