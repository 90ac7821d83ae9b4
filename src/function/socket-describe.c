/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vfio-user server says of itself and of its function: "VFIO_USER_VERSION", "…_DEVICE_GET_INFO",
 * "…_GET_REGION_INFO", "…_GET_IRQ_INFO". Nothing is believed before it is checked.
 */
#include "function/socket.h"

#include <errno.h>
#include <jansson.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int call(struct us_socket_player *p, enum us_vu_command command, void *payload, size_t size, const void **reply,
		size_t *length)
{
	struct iovec iov[2] = {{0}, {payload, size}};

	return us_link_call(&p->fn, &p->link, command, iov, 2, NULL, 0, reply, length);
}

/* -- version ---------------------------------------------------------------------------------------------------- */

/* A whole number of the server's capabilities, or `standard` where it names none. */
static uint64_t capability(const json_t *capabilities, const char *name, uint64_t standard)
{
	const json_t *value = json_object_get(capabilities, name);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value)
									: standard;
}

static int take_capabilities(struct us_socket_player *p, const char *text, size_t length)
{
	json_error_t why;
	json_t *root;
	const json_t *capabilities;
	uint64_t transfer;

	while (length && !text[length - 1])
		length--;
	root = length ? json_loadb(text, length, 0, &why) : json_object();
	if (!root)
		return us_fn_fail(&p->fn, -EPROTO, "the server's capabilities are no JSON: %s",
				  length ? why.text : "out of memory");
	capabilities = json_object_get(root, "capabilities");
	p->max_fds = (unsigned)capability(capabilities, "max_msg_fds", US_VU_DEFAULT_MSG_FDS);
	if (p->max_fds > US_VU_MSG_FDS)
		p->max_fds = US_VU_MSG_FDS;
	transfer = capability(capabilities, "max_data_xfer_size", US_VU_DEFAULT_XFER);
	json_decref(root);
	if (!p->max_fds)
		return us_fn_fail(&p->fn, -EPROTO, "the server takes no descriptors, so it could signal no interrupts");
	if (transfer < 8)
		return us_fn_fail(&p->fn, -EPROTO, "the server transfers fewer than 8 bytes at a time");
	return 0;
}

int us_socket_negotiate(struct us_socket_player *p)
{
	struct {
		struct us_vu_version version;
		char json[100];
	} ours = {.version = {US_VU_MAJOR, US_VU_MINOR}};
	const struct us_vu_version *theirs;
	const void *reply;
	size_t length;
	int n = snprintf(ours.json, sizeof ours.json,
			 "{\"capabilities\":{\"max_msg_fds\":%d,\"max_data_xfer_size\":%u}}", US_VU_MSG_FDS,
			 US_VU_DEFAULT_XFER);
	int rc = call(p, US_VU_VERSION, &ours, sizeof ours.version + (size_t)n + 1, &reply, &length);

	if (rc)
		return rc;
	theirs = reply;
	if (length < sizeof *theirs)
		return us_fn_fail(&p->fn, -EPROTO,
				  "the server does not speak vfio-user: its version is %zu bytes short",
				  sizeof *theirs - length);
	if (theirs->major != US_VU_MAJOR || theirs->minor > US_VU_MINOR)
		return us_fn_fail(&p->fn, -EPROTO, "the server speaks version %u.%u of vfio-user, not %d.%d",
				  theirs->major, theirs->minor, US_VU_MAJOR, US_VU_MINOR);
	return take_capabilities(p, (const char *)reply + sizeof *theirs, length - sizeof *theirs);
}

/* -- regions ---------------------------------------------------------------------------------------------------- */

static int add_area(struct us_socket_player *p, unsigned region, uint64_t offset, uint64_t size)
{
	uint64_t whole = p->fn.info.region[region].size;
	struct us_socket_area *area;

	if (!size || offset % US_PAGE || size % US_PAGE || offset > whole || size > whole - offset)
		return us_fn_fail(&p->fn, -EPROTO, "the server offers pages of %s for mapping that do not lie in it",
				  us_region_name(region));
	area = malloc(sizeof *area);
	if (!area)
		return us_fn_fail(&p->fn, -ENOMEM, "out of memory");
	*area = (struct us_socket_area){.region = region, .offset = offset, .size = size, .next = p->areas};
	p->areas = area;
	return 0;
}

/* Areas of a sparse capability, or the whole region where there is none. */
static int add_areas(struct us_socket_player *p, unsigned region, const uint8_t *reply, size_t length)
{
	const struct us_vu_region_info *info = (const void *)reply;
	size_t at = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	/* A chain only runs forward: so it ends. */
	for (size_t next; at >= sizeof *info; at = next) {
		struct us_vu_sparse sparse;

		if (at % 8 || at > length || length - at < sizeof sparse.header)
			return us_fn_fail(&p->fn, -EPROTO, "the capabilities of %s pass the end of the message",
					  us_region_name(region));
		memcpy(&sparse.header, reply + at, sizeof sparse.header);
		next = sparse.header.next > at ? sparse.header.next : 0;
		if (sparse.header.id != VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			continue;
		if (length - at < sizeof sparse)
			return us_fn_fail(&p->fn, -EPROTO, "the areas of %s pass the end of the message",
					  us_region_name(region));
		memcpy(&sparse, reply + at, sizeof sparse);
		if (sparse.nr_areas > (length - at - sizeof sparse) / sizeof(struct us_vu_sparse_area))
			return us_fn_fail(&p->fn, -EPROTO, "the areas of %s pass the end of the message",
					  us_region_name(region));
		for (uint32_t i = 0; i < sparse.nr_areas; i++) {
			const struct us_vu_sparse_area *area = (const void *)(reply + at + sizeof sparse);
			int rc = add_area(p, region, area[i].offset, area[i].size);

			if (rc)
				return rc;
		}
		return 0;
	}
	return add_area(p, region, 0, info->size & ~UINT64_C(4095));
}

static int take_region(struct us_socket_player *p, unsigned region, const uint8_t *reply, size_t length)
{
	const struct us_vu_region_info *info = (const void *)reply;
	int rc;

	p->fn.info.region[region].size = info->size;
	p->fn.info.region[region].flags = (info->flags & VFIO_REGION_INFO_FLAG_READ ? US_REGION_READ : 0) |
					  (info->flags & VFIO_REGION_INFO_FLAG_WRITE ? US_REGION_WRITE : 0);
	p->region_fd[region] = us_link_take_fd(&p->link);
	p->region_fd_offset[region] = info->offset;
	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP) || p->region_fd[region] < 0 || info->size < US_PAGE)
		return 0;
	rc = add_areas(p, region, reply, length);
	if (!rc)
		p->fn.info.region[region].flags |= US_REGION_MAP;
	return rc;
}

static int describe_region(struct us_socket_player *p, unsigned region)
{
	struct us_vu_region_info ask = {.argsz = 4096, .index = region};
	const struct us_vu_region_info *info;
	const void *reply;
	size_t length;
	int rc;

	for (unsigned tries = 0;; tries++) {
		rc = call(p, US_VU_DEVICE_GET_REGION_INFO, &ask, sizeof ask, &reply, &length);
		if (rc) /* a region that the server does not know is not there */
			return p->link.dead ? rc : 0;
		info = reply;
		if (length < sizeof *info || info->index != region)
			return us_fn_fail(&p->fn, -EPROTO, "the server does not say what %s is",
					  us_region_name(region));
		if (info->argsz <= ask.argsz || tries || info->argsz > US_VU_DEFAULT_XFER)
			return take_region(p, region, reply, length);
		ask.argsz = info->argsz; /* its capabilities need more room */
	}
}

/* -- interrupts and the whole ----------------------------------------------------------------------------------- */

static int describe_irqs(struct us_socket_player *p, unsigned kind)
{
	static const uint32_t most[US_IRQ_KIND_COUNT] = {1, 32, US_VECTORS};
	struct us_vu_irq_info ask = {.argsz = sizeof ask, .index = kind};
	const struct us_vu_irq_info *info;
	const void *reply;
	size_t length;
	int rc = call(p, US_VU_DEVICE_GET_IRQ_INFO, &ask, sizeof ask, &reply, &length);

	if (rc)
		return p->link.dead ? rc : 0;
	info = reply;
	if (length < sizeof *info || info->index != kind || info->count > most[kind])
		return us_fn_fail(&p->fn, -EPROTO, "the server does not say properly how many %s interrupts there are",
				  us_irq_name(kind));
	p->fn.info.irqs[kind] = info->flags & VFIO_IRQ_INFO_EVENTFD ? info->count : 0;
	p->maskable[kind] = info->flags & VFIO_IRQ_INFO_MASKABLE;
	return 0;
}

int us_socket_describe(struct us_socket_player *p)
{
	struct us_vu_device_info ask = {.argsz = sizeof ask};
	struct us_vu_device_info info;
	const void *reply;
	size_t length;
	int rc = call(p, US_VU_DEVICE_GET_INFO, &ask, sizeof ask, &reply, &length);

	if (rc)
		return rc;
	if (length < sizeof info)
		return us_fn_fail(&p->fn, -EPROTO, "the server does not say what it serves");
	memcpy(&info, reply, sizeof info);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return us_fn_fail(&p->fn, -ENODEV, "what the server serves is no PCI function");
	p->fn.info.can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	for (unsigned i = 0; i < US_REGIONS && i < info.num_regions; i++)
		if ((rc = describe_region(p, i)))
			return rc;
	for (unsigned i = 0; i < US_IRQ_KIND_COUNT && i < info.num_irqs; i++)
		if ((rc = describe_irqs(p, i)))
			return rc;
	if (p->fn.info.region[US_REGION_CONFIG].size < 64)
		return us_fn_fail(&p->fn, -EPROTO, "the server shows no config space");
	return 0;
}
