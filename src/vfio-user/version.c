/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "VFIO_USER_VERSION": the first message of a client. The reply has the client's major version, no higher minor version
 * than the client's, and of the capabilities those that the client named too. A capability that is not named has its
 * default, so what we take is never less than the defaults.
 */
#include "vfio-user/served.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A capability that is a number of at least 1. 1: there, 0: not there, or -EINVAL. */
static int number(const json_t *capabilities, const char *name, uint64_t *value)
{
	const json_t *item = json_object_get(capabilities, name);

	if (!item)
		return 0;
	if (!json_is_integer(item) || json_integer_value(item) < 1)
		return -EINVAL;
	*value = (uint64_t)json_integer_value(item);
	return 1;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What both sides can do, from what the client can. NULL: it is malformed. */
static json_t *agree(struct us_served *f, const json_t *theirs)
{
	/* What one receives in a message, and can have mapped, is one's own affair; but no one profits from more. */
	static const struct {
		const char *name;
		uint64_t ours;
	} numbers[] = {
		{"max_msg_fds", US_VU_MSG_FDS},
		{"max_data_xfer_size", US_VU_DEFAULT_XFER},
		{"max_dma_maps", US_VU_DEFAULT_DMA_MAPS},
	};
	const json_t *multiple = json_object_get(theirs, "write_multiple"), *twin = json_object_get(theirs, "twin_socket");
	json_t *ours = json_object();
	uint64_t value;
	int got;

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		got = number(theirs, numbers[i].name, &value);
		if (got < 0)
			goto malformed;
		if (got)
			json_object_set_new(ours, numbers[i].name, json_integer((json_int_t)numbers[i].ours));
		if (got && i == 1)
			f->peer_xfer = least(value, US_VU_DEFAULT_XFER);
	}
	got = number(theirs, "pgsizes", &value);
	if (got < 0 || (multiple && !json_is_boolean(multiple)) || (twin && !json_is_object(twin)))
		goto malformed;
	if (got)
		json_object_set_new(ours, "pgsizes", json_integer((json_int_t)US_VU_DEFAULT_PGSIZES));
	if (json_is_true(multiple))
		json_object_set_new(ours, "write_multiple", json_true());
	return ours;

malformed:
	json_decref(ours);
	return NULL;
}

/* The client's JSON text: what is left of the message, NUL included; or nothing at all. */
static json_t *parse(const uint8_t *text, size_t size)
{
	json_t *data;

	if (!size)
		return json_object();
	if (size > US_VU_VERSION_DATA || text[size - 1])
		return NULL;
	data = json_loads((const char *)text, JSON_REJECT_DUPLICATES, NULL);
	if (data && !json_is_object(data)) {
		json_decref(data);
		return NULL;
	}
	return data;
}

static char *negotiate(struct us_served *f, const uint8_t *text, size_t size)
{
	json_t *data = parse(text, size), *capabilities = json_object_get(data, "capabilities");
	json_t *agreed = NULL, *reply = NULL;
	char *written = NULL;

	if (data && (!capabilities || json_is_object(capabilities)))
		agreed = agree(f, capabilities);
	if (agreed)
		reply = json_pack("{s:o}", "capabilities", agreed);
	if (reply)
		written = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	json_decref(data);
	return written;
}

long us_handle_version(struct us_served *f, struct us_message *m)
{
	struct us_vu_version version;
	char *text;
	size_t length;

	if (f->negotiated)
		return -EINVAL;
	memcpy(&version, m->payload, sizeof version);
	if (version.major != US_VU_MAJOR)
		return -EPROTONOSUPPORT;
	text = negotiate(f, m->payload + sizeof version, m->size - sizeof version);
	if (!text)
		return -EINVAL;
	f->old_minor = version.minor < US_VU_MINOR;
	version.minor = version.minor < US_VU_MINOR ? version.minor : US_VU_MINOR;
	length = strlen(text) + 1;
	memcpy(f->reply + sizeof(struct us_vu_header), &version, sizeof version);
	memcpy(f->reply + sizeof(struct us_vu_header) + sizeof version, text, length);
	us_served_trace(f, "client speaks %u.%u, agreed on %s", version.major, version.minor, text);
	free(text);
	f->negotiated = true;
	return (long)(sizeof version + length);
}
