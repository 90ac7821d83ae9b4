/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the server: one function and its client. Each file of this folder does one thing with it:
 *
 *     server.c       the event loop: sleeping, waking, alarms
 *     polling.c      when to look instead of sleeping
 *     listen.c       sockets on which clients arrive
 *     served.c       a function's life: client comes, client goes; what the device asks of its host
 *     stream.c       bytes and descriptors of the connection, in and out
 *     message.c      one message: checked, carried out, answered
 *     version.c      the negotiation
 *     region.c       what the function has, and access to it
 *     irq.c          interrupts and their eventfds
 *     dma.c          regions and the memory behind them
 *     dma-message.c  memory that is reached by messages
 *     worker.c       steps of jobs
 *
 * Threads: what is marked [lock] is shared with the worker and read or written under `lock`; the rest belongs to the
 * server's thread. A step that the worker runs sees no DMA region vanish under it: see us_worker_exclude().
 */
#ifndef UNDERSTUDY_VFIO_USER_SERVED_H
#define UNDERSTUDY_VFIO_USER_SERVED_H

#include "device/host.h"
#include "vfio-user/dma.h"
#include "vfio-user/server.h"
#include "vfio-user/wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/uio.h>

/* Something epoll watches. It lives as long as the server, so that an event that comes late finds it. */
struct us_watch {
	void (*ready)(struct us_watch *watch, uint32_t events);
};

#define us_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Descriptors that came with the message which starts at `at` in the receive buffer. */
struct us_fds {
	size_t at;
	unsigned count;
	bool bad; /* more came than we take, or could be taken */
	int fd[US_VU_MSG_FDS];
};

#define US_FD_SETS 8 /* messages with descriptors that may wait at once */
#define US_RECEIVE (2 * US_VU_MESSAGE_MAX) /* bytes of requests that may wait at once */
#define US_BACKLOG (4 * US_VU_MESSAGE_MAX) /* bytes that may wait to be sent */

struct us_stream {
	int socket; /* -1: no client */
	struct us_watch watch;
	uint32_t events; /* that epoll watches for [lock] */

	uint8_t *rx; /* US_RECEIVE bytes */
	size_t have; /* bytes in rx */
	bool full; /* rx is; changed under [lock] */
	size_t scanned; /* bytes of waiting requests that were already looked through for replies */
	struct us_fds fds[US_FD_SETS];
	unsigned nfds;

	uint8_t *tx; /* what the client did not take yet [lock] */
	size_t tx_from, tx_to, tx_room; /* [lock] */
	int tx_fd; /* goes with the byte at tx_fd_at, -1: none [lock] */
	size_t tx_fd_at; /* [lock] */
};

struct us_irq_line {
	struct us_served *served;
	unsigned n;
	enum us_irq kind;
	int trigger, mask, unmask; /* eventfds, -1: none */
	struct us_watch mask_watch, unmask_watch;
	bool masked; /* INTx only: by the client, or by itself when it was signalled */
};

struct us_irqs {
	struct us_irq_line *lines[US_IRQ_KINDS];
	unsigned count[US_IRQ_KINDS];
	unsigned routed[US_IRQ_KINDS]; /* messages that the client takes, as told to the device */
	int error; /* eventfd of the error interrupt, -1: none */
};

/* A DMA_READ or DMA_WRITE that waits for the client's reply [lock]. */
struct us_pending {
	bool active, done;
	bool cancel; /* by the server's thread, for the worker */
	uint16_t id;
	uint16_t command;
	uint64_t address;
	uint64_t count;
	void *buffer; /* of a read */
	int result;
};

enum { US_PENDING_DEVICE, US_PENDING_WORKER, US_PENDING_COUNT };

/* Where a client has the data of DMA messages; see struct us_vu_dma_access. */
enum us_dma_layout { US_LAYOUT_UNKNOWN, US_LAYOUT_WIDE, US_LAYOUT_NARROW };

#define US_STALE 16 /* cancelled DMA messages whose replies may still come */

struct us_messages {
	struct us_pending pending[US_PENDING_COUNT];
	uint16_t next_id;
	uint16_t stale[US_STALE];
	unsigned nstale;
	_Atomic enum us_dma_layout layout; /* found out once, by whoever of both threads needs it first */
};

#define US_PINS 32

struct us_worker {
	pthread_t thread;
	bool started; /* the thread is there */
	bool quit; /* [lock], and so on all below */
	struct us_job *job;
	uint64_t start; /* when the hardware would begin, in now's time */
	uint64_t elapsed; /* ns: what the steps so far would take it */
	bool stepping; /* a step runs */
	bool finished; /* the last step is done, but its time may not be up */
	bool cancel; /* the job is to end */
	unsigned held; /* no step may begin */
	struct {
		uint64_t first, last;
	} pins[US_PINS]; /* device addresses that the step has pointers to */
	unsigned npins; /* more than US_PINS: everything */
};

struct us_served {
	struct us_server *server;
	struct us_served *next;
	char name[64];
	struct us_device *dev;

	int listener; /* -1: none */
	struct us_watch listener_watch;
	char *path; /* of a socket that is ours to remove, or NULL */
	dev_t path_dev;
	ino_t path_ino;

	pthread_mutex_t lock;
	pthread_cond_t changed; /* worker, pending, doomed; CLOCK_MONOTONIC */

	struct us_stream stream;
	bool negotiated;
	uint64_t peer_xfer; /* the client's max_data_xfer_size */
	bool old_minor; /* the client speaks 0.0: it may be a QEMU with narrow DMA messages */
	unsigned busy; /* in the device or in a request: no other may begin */
	atomic_bool doomed; /* the connection has to end */
	char why[256]; /* [lock] */
	uint8_t *reply; /* US_VU_MESSAGE_MAX bytes; payload from byte 16 */
	int reply_fd; /* goes with the reply, stays its owner's; -1: none */

	struct us_dma_table dma; /* [lock] for changes and for the worker's looks */
	uint64_t trim_at; /* when to unmap windows without users */
	struct us_irqs irqs;
	struct us_messages messages; /* [lock] */
	struct us_worker worker;
	uint64_t alarm; /* when the device wants to be called */
};

/* -- server.c --------------------------------------------------------------------------------------------------- */

uint64_t us_server_now(void);
struct us_trace *us_server_trace(const struct us_server *server);
uint64_t us_server_patience(const struct us_server *server); /* ns */

/* Watches a descriptor; the events are those of epoll. */
int us_server_watch(struct us_server *server, int fd, uint32_t events, struct us_watch *watch);
int us_server_rewatch(struct us_server *server, int fd, uint32_t events, struct us_watch *watch); /* any thread */
void us_server_unwatch(struct us_server *server, int fd);

/* Something of a function changed: the server's thread is to look at it, and is woken if it sleeps. Any thread. */
void us_server_look(struct us_server *server);

/* A request was carried out for this function: it is the one to look at for the next. */
void us_server_accessed(struct us_server *server, struct us_served *served);

/* One turn inside a request of a function that waits for its client: all others are served. Until `deadline` at most. */
void us_server_turn_nested(struct us_server *server, uint64_t deadline);

/* A line on standard error, unless the server is quiet, and in the log. Not more than a few each second. Any thread. */
void us_server_notice(struct us_served *served, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Closes a connection that came while no descriptor was left for it. */
void us_server_shed(struct us_server *server, int listener);

/* -- listen.c --------------------------------------------------------------------------------------------------- */

void us_listener_close(struct us_served *served);

/* -- served.c --------------------------------------------------------------------------------------------------- */

int us_served_create(struct us_server *server, const struct us_model *model, const char *name,
		     struct us_served **served, struct us_error *err);
void us_served_destroy(struct us_served *served);

/* A client on `socket`, which is taken also on failure. */
int us_served_connect(struct us_served *served, int socket);

/* The client is no more: its descriptors and memory are released, the function is reset. */
void us_served_disconnect(struct us_served *served);

#define US_CLIENT_LEFT "the client left"
#define US_CLIENT_SHRANK "its memory shrank while it was in use"

/* Marks the connection as one to end, and why. The first reason counts. Any thread. */
void us_served_doom(struct us_served *served, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs what is due, ends what is doomed. Returns when it next has to be called. */
uint64_t us_served_tick(struct us_served *served, uint64_t now);

/* A line in the log; nothing without one. Any thread. */
void us_served_trace(struct us_served *served, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool us_served_traced(const struct us_served *served);

/* -- stream.c --------------------------------------------------------------------------------------------------- */

int us_stream_open(struct us_served *served, int socket);
void us_stream_close(struct us_served *served);

/* Receives once, without waiting, and carries out what is complete. Did anything come? */
bool us_stream_receive(struct us_served *served);

/* Carries out what came while the function was busy. */
void us_stream_resume(struct us_served *served);

/* Sends, or keeps what the client does not take now. With `fd` >= 0 a copy of the descriptor goes along. Any thread. */
void us_stream_send(struct us_served *served, struct iovec *parts, int count, int fd);

/* -- message.c -------------------------------------------------------------------------------------------------- */

struct us_message {
	struct us_vu_header header;
	const uint8_t *payload; /* not aligned */
	size_t size; /* of the payload */
	struct us_fds *fds; /* never NULL; what a handler keeps it replaces by -1 */
};

void us_message_handle(struct us_served *served, struct us_message *message);

/* May messages of this kind carry descriptors? */
bool us_message_takes_fds(uint16_t command);

/*
 * Handlers: the size of the reply's payload, which they put at reply + 16, or a negative errno. The payload is at least
 * as long as the message's fixed part.
 */
long us_handle_version(struct us_served *served, struct us_message *message);
long us_handle_device_info(struct us_served *served, struct us_message *message);
long us_handle_region_info(struct us_served *served, struct us_message *message);
long us_handle_irq_info(struct us_served *served, struct us_message *message);
long us_handle_set_irqs(struct us_served *served, struct us_message *message);
long us_handle_region_read(struct us_served *served, struct us_message *message);
long us_handle_region_write(struct us_served *served, struct us_message *message);
long us_handle_write_multi(struct us_served *served, struct us_message *message);
long us_handle_dma_map(struct us_served *served, struct us_message *message);
long us_handle_dma_unmap(struct us_served *served, struct us_message *message);
long us_handle_reset(struct us_served *served, struct us_message *message);

/* -- irq.c ------------------------------------------------------------------------------------------------------ */

int us_irqs_create(struct us_served *served);
void us_irqs_destroy(struct us_served *served);
void us_irqs_release(struct us_served *served); /* all eventfds of the client */
unsigned us_irqs_errors(const struct us_served *served); /* error interrupts: one with PCI Express */
void us_irqs_reset(struct us_served *served); /* the function was reset: messages are no longer routed */
void us_irqs_intx(struct us_served *served, bool asserted);
void us_irqs_message(struct us_served *served, enum us_irq kind, unsigned n);

/* -- dma-message.c ---------------------------------------------------------------------------------------------- */

/* Moves bytes by messages. Server's thread inside the device, or worker. Errors as us_host.dma; moved in order. */
int us_dma_transfer(struct us_served *served, uint64_t address, uint8_t *buffer, size_t length,
		    enum us_dma_direction direction, uint64_t *fault);

/* A reply came. False: to nothing we asked. */
bool us_dma_reply(struct us_served *served, const struct us_vu_header *header, const uint8_t *payload, size_t size);

/* -- worker.c --------------------------------------------------------------------------------------------------- */

/* The thread, which sleeps until there is work. Made before the device, so that no device is left without. */
int us_worker_create(struct us_served *served);
void us_worker_start(struct us_served *served, struct us_job *job, uint64_t delay);
void us_worker_stop(struct us_served *served, struct us_job *job);
void us_worker_destroy(struct us_served *served);

/* Is the caller the worker of this function? */
bool us_worker_is_me(const struct us_served *served);

/*
 * Waits until no step uses memory in the device addresses [first, last], and keeps it so until us_worker_admit(). A step
 * that waits for the client's reply holds nothing up, unless it has pointers into the range: then its wait is cancelled.
 * Called and returns with `lock` held.
 */
void us_worker_exclude(struct us_served *served, uint64_t first, uint64_t last);
void us_worker_admit(struct us_served *served);

/* The step got a pointer to these bytes. With `lock` held. */
void us_worker_pin(struct us_served *served, uint64_t first, uint64_t last);

/* When the job that is finished has to be reported, and that job; UINT64_MAX: none. Takes it when `now` is there. */
uint64_t us_worker_due(struct us_served *served, uint64_t now, struct us_job **job);

#endif
