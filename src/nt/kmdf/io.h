/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests, the queues that they come by, and file objects: what queue*.c, request*.c, file.c and target.c share.
 *
 * A request is, at any moment, somebody's (`owner`). In a queue it is the framework's and can be cancelled without the
 * driver; presented it is the driver's, until that completes it, forwards it, requeues it, or answers EvtIoStop with
 * it. While a queue has a request in either way, the request holds a reference to the queue.
 *
 * Cancellation. An IRP's cancel routine is ours while the request waits (cancel of the queue's) and while the driver
 * has marked it cancelable. us_wdf_set_cancel_routine() decides every race, as on Windows: who takes the routine out
 * has the request; who finds it taken leaves the request to the cancellation that is under way.
 */
#ifndef UNDERSTUDY_NT_KMDF_IO_H
#define UNDERSTUDY_NT_KMDF_IO_H

#include "nt/kmdf/kmdf.h"
#include "nt/sched.h"

struct us_wdf_queue;
struct us_wdf_io_target;

enum us_request_owner {
	US_REQUEST_NEW, /* the driver's, before it was in a queue: EvtIoInCallerContext, EvtDeviceFileCreate */
	US_REQUEST_QUEUED, /* waits in `queue` */
	US_REQUEST_CANCELLED, /* taken out of `queue` by a cancellation; EvtIoCanceledOnQueue is to come */
	US_REQUEST_DRIVER, /* the driver's, presented by `queue` */
	US_REQUEST_CREATED, /* the driver's own, made by WdfRequestCreate() or …FromIrp() */
	US_REQUEST_COMPLETED, /* nobody's: only references keep it */
};

/* What is known of its cancellation while it is the driver's. */
enum us_request_cancel {
	US_CANCEL_NONE, /* not cancelable */
	US_CANCEL_MARKED, /* cancelable */
	US_CANCEL_COMES, /* EvtRequestCancel will be called */
	US_CANCEL_CAME, /* it was */
};

/* What it has to do with the device's leaving of D0. */
enum us_request_stop {
	US_STOP_NONE,
	US_STOP_TO_ASK, /* EvtIoStop is to be called */
	US_STOP_ASKED, /* it was: the driver owes an answer */
	US_STOP_KEPT, /* acknowledged without requeueing: EvtIoResume is owed */
};

/* How a request is on its way to an I/O target (request-send.c). */
struct us_wdf_send {
	struct us_wdf_io_target *target; /* formatted for, or sent to */
	bool formatted, sent, held; /* held: by a stopped target */
	LIST_ENTRY of_target; /* us_wdf_io_target.sent or .held */
	PFN_WDF_REQUEST_COMPLETION_ROUTINE routine;
	WDFCONTEXT context;
	WDF_REQUEST_COMPLETION_PARAMS params;
	struct us_wdf_send_limit *limit; /* of time; NULL: never had one */
	bool timed_out;
	struct us_thread *waiter; /* of a synchronous send */
	PMDL mdl; /* made for it, to be freed with it */
	PVOID system_buffer; /* allocated for it */
	PVOID copy_to; /* where the output of a buffered request goes */
	size_t copy_size;
	PMDL saved_mdl; /* the IRP's own */
	PVOID saved_buffer, saved_user_buffer;
	bool has_saved;
	NTSTATUS status; /* of WdfRequestGetStatus */
};

struct us_wdf_request {
	struct us_wdf_object object;
	PIRP irp; /* NULL when completed */
	struct us_wdf_device *device; /* NULL: made for no device */
	struct us_wdf_queue *queue; /* NULL: never was in one */
	struct us_wdf_file *file; /* NULL: none */
	enum us_request_owner owner;
	bool presented; /* the driver has had it */
	bool delivered; /* the callback that presents it has begun */
	bool allocated_irp; /* by WdfRequestCreate */
	bool canceled_on_queue; /* EvtIoCanceledOnQueue was called: can be completed only */
	LIST_ENTRY link; /* us_wdf_queue.waiting, .cancelled or .driver */

	enum us_request_cancel cancel;
	PFN_WDF_REQUEST_CANCEL evt_cancel;
	LIST_ENTRY cancel_link; /* us_wdf_queue.cancels, while EvtRequestCancel is put off */
	enum us_request_stop stop;
	bool in_stop; /* EvtIoStop is being called for it */

	struct us_wdf_object *input_memory, *output_memory; /* WDFMEMORY, its children; NULL: not asked for yet */
	PMDL input_mdl, output_mdl; /* made for buffered ones */
	struct us_wdf_locked *locked; /* by WdfRequestProbeAndLockUserBuffer… */
	struct us_wdf_send send;
};

/* A callback that is owed when the driver has no request of a queue any more. */
struct us_wdf_queue_callback {
	PFN_WDF_IO_QUEUE_STATE routine;
	WDFCONTEXT context;
};

struct us_wdf_queue {
	struct us_wdf_object object;
	struct us_wdf_device *device;
	WDF_IO_QUEUE_CONFIG config;
	ULONG limit; /* requests that the driver may have at once */
	bool power_managed;
	bool accepts, dispatches; /* what Start, Stop, Drain, Purge say */
	bool held; /* power-managed, and the device is not in D0 */
	bool keeps_awake; /* has a reference to the device's power */
	bool gone; /* the device was taken away: accepts nothing more, ever */
	LIST_ENTRY of_device; /* us_wdf_device.queues */
	LIST_ENTRY waiting, cancelled, driver, cancels;
	ULONG nwaiting, ndriver;
	unsigned presenting; /* EvtIo… callbacks under way */
	bool deferred; /* a work item is under way that will dispatch */
	WORK_QUEUE_ITEM work;
	KDPC dpc;
	struct us_wdf_queue_callback state_complete; /* of Stop, Drain, Purge */
	bool state_needs_empty; /* Drain and Purge: also nothing may wait */
	struct us_wdf_queue_callback ready; /* WdfIoQueueReadyNotify() */
	bool became_ready;
	LIST_ENTRY waiters; /* threads that wait for something to become true of it */
};

/* What IoSetCancelRoutine() does: the exchange is atomic, since no scheduling point is in it. */
static inline PDRIVER_CANCEL us_wdf_set_cancel_routine(PIRP irp, PDRIVER_CANCEL routine)
{
	PDRIVER_CANCEL old = irp->CancelRoutine;

	irp->CancelRoutine = routine;
	return old;
}

/* -- requests (request.c) ----------------------------------------------------------------------------------------- */

/*
 * The request behind a driver's handle. A bugcheck "request.used-after-completion" when it is completed, even if its
 * memory is gone, unless `completed_too`.
 */
struct us_wdf_request *us_wdf_request_of(WDFREQUEST handle, const char *function, bool completed_too);

/* A request for an IRP that came down to the device; its file object is looked up. */
NTSTATUS us_wdf_request_new(struct us_wdf_device *device, PIRP irp, struct us_wdf_request **request);

/* Makes an IRP's parameters the driver's. */
void us_wdf_request_parameters(PIRP irp, PWDF_REQUEST_PARAMETERS parameters);

/* The driver's misuse of a request: bugcheck WDF_VIOLATION, WDF_REQUEST_FATAL_ERROR with this detail. */
_Noreturn void us_wdf_request_fatal(struct us_wdf_request *request, unsigned detail, const char *rule,
				    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* It is the driver's, from a queue or before one. */
bool us_wdf_request_is_drivers(const struct us_wdf_request *request);

/* Is completed: for the ring of those that were (us_wdf_request_of). */
void us_wdf_request_remember(const struct us_wdf_request *request);

/* Frees what was made to send it (request-send.c). */
void us_wdf_send_fini(struct us_wdf_request *request);

/* Frees what was made for its buffers (request-buffers.c). */
void us_wdf_request_free_buffers(struct us_wdf_request *request);

/* The length and MDL of the data that DMA moves for it, chosen as WdfDmaTransactionInitializeUsingRequest() documents.
 */
NTSTATUS us_wdf_request_dma(struct us_wdf_request *request, WDF_DMA_DIRECTION direction, PMDL *mdl, size_t *length);

/* -- their end (request-complete.c) ------------------------------------------------------------------------------- */

/* Completes a request that is nobody's any more, or the driver's and checked. */
void us_wdf_request_end(struct us_wdf_request *request, NTSTATUS status, CCHAR boost);

/* -- their cancellation (request-cancel.c) ------------------------------------------------------------------------ */

/* Cancels what the driver has marked cancelable, as IoCancelIrp() would: a purge. False: it is not marked, or in other
 * hands. */
bool us_wdf_request_cancel_drivers(struct us_wdf_request *request);

/* Calls EvtRequestCancel, which was put off. */
void us_wdf_request_call_cancel(struct us_wdf_request *request);

/* -- queues ------------------------------------------------------------------------------------------------------- */

/* Puts a request into a queue that accepts it; dispatches. `head`: it is requeued. The queue must be dispatched
 * afterwards. */
void us_wdf_queue_insert(struct us_wdf_queue *queue, struct us_wdf_request *request, bool head);

/* Takes a waiting request out, for good: false: a cancellation has it. */
bool us_wdf_queue_take(struct us_wdf_queue *queue, struct us_wdf_request *request);

/* A taken request becomes the driver's. */
void us_wdf_queue_give(struct us_wdf_queue *queue, struct us_wdf_request *request);

/* The driver has a request no more: takes it off the queue's books (but its reference to the queue). */
void us_wdf_queue_forget(struct us_wdf_queue *queue, struct us_wdf_request *request);

/* A waiting request, already taken out by its cancellation, is cancelled: EvtIoCanceledOnQueue, or completed. */
void us_wdf_queue_cancelled(struct us_wdf_queue *queue, struct us_wdf_request *request);

/* Cancels everything that waits. */
void us_wdf_queue_cancel_waiting(struct us_wdf_queue *queue);

/*
 * Does whatever the queue can do now: calls the driver with cancelled requests, with the next ones, with state
 * callbacks. Where it may not be done here (IRQL, lock) it is put off. Anything may have happened when it returns.
 */
void us_wdf_queue_dispatch(struct us_wdf_queue *queue);

/* Whether callbacks of the queue must not be called from here: above its execution level, or under its own lock. */
bool us_wdf_queue_must_defer(struct us_wdf_queue *queue);
/* Has us_wdf_queue_dispatch() called from where it may be. */
void us_wdf_queue_defer(struct us_wdf_queue *queue);

/* Waits until `done(queue)`; `what` is for the report of a hang. PASSIVE_LEVEL. */
void us_wdf_queue_wait(struct us_wdf_queue *queue, bool (*done)(struct us_wdf_queue *queue), const char *what);
/* Something has changed: wakes those who wait for it. */
void us_wdf_queue_changed(struct us_wdf_queue *queue);

/* The queue for an IRP; NULL: none. */
struct us_wdf_queue *us_wdf_queue_for(struct us_wdf_device *device, PIRP irp);

/* Brings a request to the queue of its type, for the first time. An error: it is still the caller's. */
NTSTATUS us_wdf_queue_enqueue(struct us_wdf_device *device, struct us_wdf_request *request);

void us_wdf_queue_state_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_queue_manual_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_request_buffer_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_request_complete_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_request_cancel_functions(struct _WDF_FUNCTIONS *table);
void us_wdf_request_send_functions(struct _WDF_FUNCTIONS *table);

/* -- file objects (file.c) ---------------------------------------------------------------------------------------- */

struct us_wdf_file {
	struct us_wdf_object object;
	struct us_wdf_device *device;
	PFILE_OBJECT wdm; /* NULL: a request that came without one */
	LIST_ENTRY of_device; /* us_wdf_device.files */
};

/* The framework's file object of the system's; NULL: there is none. */
struct us_wdf_file *us_wdf_file_of(struct us_wdf_device *device, PFILE_OBJECT wdm);

/* A create request is about to be completed: with failure its file object goes. */
void us_wdf_file_created(struct us_wdf_request *request, NTSTATUS status);

/*
 * The device's queues, one after the other (NULL: the first), while the driver is called in between: each is
 * referenced for its turn, so that its place in the list is good when that is over. NULL behind the last.
 */
struct us_wdf_queue *us_wdf_next_queue(struct us_wdf_device *device, struct us_wdf_queue *last);

#endif
