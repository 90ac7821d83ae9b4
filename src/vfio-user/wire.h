/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfio-user on the wire: commands, layouts and limits, shared by the server and the client of the seam.
 *
 * Source: "vfio-user Protocol Specification", docs/interop/vfio-user.rst in QEMU 10.1; a section name in a comment
 * means that document. Names that the specification takes from <linux/vfio.h> (VFIO_IRQ_SET_…, VFIO_REGION_INFO_…) are
 * used from there. All data is in the byte order of the host, both ends being on one machine.
 *
 * Every message is a header and a payload. Payloads start 16 bytes into the message and are naturally aligned, so that
 * a message in an 8-byte aligned buffer may be read in place.
 */
#ifndef UNDERSTUDY_VFIO_USER_WIRE_H
#define UNDERSTUDY_VFIO_USER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Commands". 14 was VFIO_USER_DIRTY_PAGES in drafts and is no longer assigned. */
enum us_vu_command {
	US_VU_VERSION = 1,
	US_VU_DMA_MAP = 2,
	US_VU_DMA_UNMAP = 3,
	US_VU_DEVICE_GET_INFO = 4,
	US_VU_DEVICE_GET_REGION_INFO = 5,
	US_VU_DEVICE_GET_REGION_IO_FDS = 6,
	US_VU_DEVICE_GET_IRQ_INFO = 7,
	US_VU_DEVICE_SET_IRQS = 8,
	US_VU_REGION_READ = 9,
	US_VU_REGION_WRITE = 10,
	US_VU_DMA_READ = 11, /* server to client */
	US_VU_DMA_WRITE = 12, /* server to client */
	US_VU_DEVICE_RESET = 13,
	US_VU_REGION_WRITE_MULTI = 15,
	US_VU_DEVICE_FEATURE = 16,
	US_VU_MIG_DATA_READ = 17,
	US_VU_MIG_DATA_WRITE = 18,
};

/* "Header" */
struct us_vu_header {
	uint16_t id; /* the sender's choice, echoed in the reply */
	uint16_t command; /* enum us_vu_command */
	uint32_t size; /* bytes, this header included */
	uint32_t flags;
	uint32_t error; /* errno of a reply with US_VU_ERROR, positive */
};

#define US_VU_TYPE 0xfu /* bits of flags */
#define US_VU_COMMAND 0x0u
#define US_VU_REPLY 0x1u
#define US_VU_NO_REPLY 0x10u
#define US_VU_ERROR 0x20u

/*
 * "VFIO_USER_VERSION": followed by JSON text and a NUL, or by nothing. QEMU 10.1 speaks 0.0, libvfio-user 0.1; nothing
 * in the messages differs.
 */
struct us_vu_version {
	uint16_t major, minor;
};

#define US_VU_MAJOR 0
#define US_VU_MINOR 1
#define US_VU_VERSION_DATA 16384 /* longest JSON text taken, its NUL included; ours, the specification has no limit */

/* What holds when a capability is not named. */
#define US_VU_DEFAULT_MSG_FDS 1
#define US_VU_DEFAULT_XFER UINT32_C(1048576)
#define US_VU_DEFAULT_DMA_MAPS 65535
#define US_VU_DEFAULT_PGSIZES UINT64_C(4096)

/* The most descriptors in one message that we send or take: QEMU refuses to talk to a server that offers more. */
#define US_VU_MSG_FDS 16

/* "VFIO_USER_DMA_MAP": no payload in the reply. */
struct us_vu_dma_map {
	uint32_t argsz;
	uint32_t flags; /* US_VU_DMA_… */
	uint64_t offset; /* in the descriptor's file, 0 without a descriptor */
	uint64_t address;
	uint64_t size;
};

#define US_VU_DMA_READABLE 0x1u
#define US_VU_DMA_WRITEABLE 0x2u

/* "VFIO_USER_DMA_UNMAP": the reply is the request's payload. flags are those of struct vfio_iommu_type1_dma_unmap. */
struct us_vu_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

/* "VFIO_USER_DEVICE_GET_INFO": both ways; flags are VFIO_DEVICE_FLAGS_… */
struct us_vu_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

/* "VFIO_USER_DEVICE_GET_REGION_INFO": both ways; flags are VFIO_REGION_INFO_FLAG_… */
struct us_vu_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset; /* from the start of this structure */
	uint64_t size;
	uint64_t offset; /* for mmap, added to that of each sparse area */
};

/* "VFIO region capabilities" */
struct us_vu_capability {
	uint16_t id; /* VFIO_REGION_INFO_CAP_… */
	uint16_t version;
	uint32_t next; /* from the start of struct us_vu_region_info, 0 at the last */
};

struct us_vu_sparse_area {
	uint64_t offset, size;
};

struct us_vu_sparse {
	struct us_vu_capability header; /* VFIO_REGION_INFO_CAP_SPARSE_MMAP, version 1 */
	uint32_t nr_areas;
	uint32_t reserved;
	struct us_vu_sparse_area areas[];
};

/* "VFIO_USER_DEVICE_GET_IRQ_INFO": both ways; flags are VFIO_IRQ_INFO_… */
struct us_vu_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

/* "VFIO_USER_DEVICE_SET_IRQS": flags are VFIO_IRQ_SET_…; followed by `count` bytes with DATA_BOOL. No payload in the reply. */
struct us_vu_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

/* "VFIO_USER_REGION_READ", "VFIO_USER_REGION_WRITE": data follows in a read's reply and in a write's request. */
struct us_vu_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

/*
 * "VFIO_USER_DMA_READ", "VFIO_USER_DMA_WRITE": data follows in a read's reply and in a write's request. A write's reply
 * has, by the specification's table, a count of 4 bytes only; QEMU 10.1 sends the bare header. Take all three lengths.
 *
 * QEMU 10.1 declares `count` with 4 bytes and so has the data 12 bytes into the payload, not 16, in a message of the
 * length that the specification gives. The server finds out with a request no client can grant; see dma-message.c.
 */
struct us_vu_dma_access {
	uint64_t address;
	uint64_t count;
};

#define US_VU_DMA_WRITE_REPLY_SHORT 12 /* bytes of payload: address, count in 4 bytes */

/* "VFIO_USER_REGION_WRITE_MULTI": `count` writes follow; the reply is this structure, with how many were done. */
struct us_vu_write_multi {
	uint64_t count;
};

struct us_vu_write_one {
	uint64_t offset;
	uint32_t region;
	uint32_t count; /* 1 to 8 */
	uint8_t data[8];
};

/* "VFIO_USER_DEVICE_FEATURE": flags are VFIO_DEVICE_FEATURE_… */
struct us_vu_feature {
	uint32_t argsz;
	uint32_t flags;
};

_Static_assert(sizeof(struct us_vu_header) == 16, "header");
_Static_assert(sizeof(struct us_vu_version) == 4, "version");
_Static_assert(sizeof(struct us_vu_dma_map) == 32, "DMA map");
_Static_assert(sizeof(struct us_vu_dma_unmap) == 24, "DMA unmap");
_Static_assert(sizeof(struct us_vu_device_info) == 16, "device info");
_Static_assert(sizeof(struct us_vu_region_info) == 32, "region info");
_Static_assert(sizeof(struct us_vu_sparse) == 16, "sparse capability");
_Static_assert(sizeof(struct us_vu_irq_info) == 16, "interrupt info");
_Static_assert(sizeof(struct us_vu_irq_set) == 20, "interrupt set");
_Static_assert(sizeof(struct us_vu_region_access) == 16, "region access");
_Static_assert(sizeof(struct us_vu_dma_access) == 16, "DMA access");
_Static_assert(sizeof(struct us_vu_write_one) == 24, "one write of many");

/* The longest message: a transfer of US_VU_DEFAULT_XFER bytes. A message that claims more ends the connection. */
#define US_VU_MESSAGE_MAX (sizeof(struct us_vu_header) + sizeof(struct us_vu_region_access) + US_VU_DEFAULT_XFER)

/* A size that a message may have. */
static inline bool us_vu_size_ok(const struct us_vu_header *header)
{
	return header->size >= sizeof *header && header->size <= US_VU_MESSAGE_MAX;
}

/* Bytes after the header. The size must have been found good. */
static inline size_t us_vu_payload(const struct us_vu_header *header)
{
	return header->size - sizeof *header;
}

/* A request's header, `payload` bytes to follow. */
static inline struct us_vu_header us_vu_request(uint16_t id, enum us_vu_command command, size_t payload)
{
	return (struct us_vu_header){
		.id = id,
		.command = (uint16_t)command,
		.size = (uint32_t)(sizeof(struct us_vu_header) + payload),
		.flags = US_VU_COMMAND,
	};
}

/* The header that answers `request`: `error` is 0 or a negative errno, with which no payload follows. */
static inline struct us_vu_header us_vu_reply(const struct us_vu_header *request, int error, size_t payload)
{
	return (struct us_vu_header){
		.id = request->id,
		.command = request->command,
		.size = (uint32_t)(sizeof(struct us_vu_header) + (error ? 0 : payload)),
		.flags = US_VU_REPLY | (error ? US_VU_ERROR : 0),
		.error = error ? (uint32_t)-error : 0,
	};
}

#endif
