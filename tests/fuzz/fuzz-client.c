/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vfio-user client against a server that says anything. The input is a list of changes to what an honest server
 * says in a session, so that it gets far before it meets what is wrong: that it then neither crashes, hangs nor reads
 * what was not sent is for the sanitizers and the clock to find.
 */
#include "function/peer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM (1 << 14)

struct stream {
	uint8_t *bytes;
	size_t length, room;
};

/* The first byte of message `n`, counted around. */
static size_t message_at(const struct stream *s, unsigned n)
{
	size_t at = 0;

	while (n--) {
		struct us_vu_header header;

		if (s->length - at < sizeof header)
			return 0;
		memcpy(&header, s->bytes + at, sizeof header);
		at = us_vu_size_ok(&header) && header.size < s->length - at ? at + header.size : 0;
	}
	return at;
}

static void insert(struct stream *s, size_t at, const uint8_t *bytes, size_t length)
{
	if (length > s->room - s->length)
		return;
	memmove(s->bytes + at + length, s->bytes + at, s->length - at);
	memcpy(s->bytes + at, bytes, length);
	s->length += length;
}

static void cut_out(struct stream *s, size_t at, size_t length)
{
	if (length > s->length - at)
		length = s->length - at;
	memmove(s->bytes + at, s->bytes + at + length, s->length - at - length);
	s->length -= length;
}

/* A request of the server: DMA to or from memory that is mapped, partly, or not at all. */
static void insert_request(struct stream *s, size_t at, const uint8_t *choice)
{
	struct {
		struct us_vu_header header;
		struct us_vu_dma_access access;
		uint8_t bytes[256];
	} ask = {
		.header = us_vu_request(choice[0], choice[1] & 1 ? US_VU_DMA_READ : US_VU_DMA_WRITE,
					sizeof ask.access + (choice[1] & 1 ? 0 : choice[2])),
		.access = {.address = UINT64_C(0x1000) + (choice[1] & 2 ? choice[0] * 32u : 0), .count = choice[2]},
	};

	insert(s, at, (uint8_t *)&ask, ask.header.size);
}

/* Five bytes of input: where, what, and with which value. */
static void change(struct stream *s, const uint8_t *choice)
{
	size_t at = message_at(s, choice[0]) + choice[1];

	if (at >= s->length)
		return;
	switch (choice[2] & 7) {
	case 0:
	case 1:
	case 2:
		s->bytes[at] = choice[3];
		break;
	case 3:
		s->bytes[at] ^= (uint8_t)(1u << (choice[3] & 7));
		break;
	case 4:
		insert(s, at, choice + 3, 1 + (choice[2] >> 7));
		break;
	case 5:
		cut_out(s, at, choice[3]);
		break;
	case 6:
		insert_request(s, message_at(s, choice[0]), choice + 1);
		break;
	case 7:
		s->length = choice[3] & 1 ? at : s->length;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *honest;
	static size_t length;
	struct stream s = {.room = ROOM};

	if (!honest)
		honest = peer_record(&length);
	s.bytes = malloc(ROOM);
	if (!s.bytes || length > ROOM)
		abort();
	memcpy(s.bytes, honest, length);
	s.length = length;
	/* Few changes: with many, all that is ever reached is the first refusal. */
	for (size_t i = 1; i + 5 <= size && i < 5 * 8; i += 5)
		change(&s, data + i);
	peer_replay(s.bytes, s.length, size ? data[0] % 4 : 0);
	free(s.bytes);
	return 0;
}
