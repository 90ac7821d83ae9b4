/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt objects (Microsoft, "Connecting and Disconnecting Interrupts", "Using Interrupt Resource Descriptors"):
 * connected fully specified, by line or by message; synchronised with; at device IRQLs or at PASSIVE_LEVEL.
 */
#include "nt/interrupt.h"
#include "nt/io.h"
#include "nt/ke.h"
#include "nt/phys.h"
#include "nt/trace.h"

enum { CONNECT_BY_VECTOR = 1, CONNECT_BY_LINE = 2, CONNECT_BY_MESSAGE = 3, CONNECT_BY_VECTOR_GROUP = 4 };

static const char *name_of(const struct us_interrupt *i)
{
	static __thread char name[24];

	if (i->message < 0)
		return "line";
	snprintf(name, sizeof(name), "message %d", i->message);
	return name;
}

struct us_interrupt *us_interrupt_of(PKINTERRUPT interrupt, const char *what)
{
	struct us_interrupt *i = us_nt->pnp->interrupts;

	while (i && i != (struct us_interrupt *)(void *)interrupt)
		i = i->next;
	if (!i)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1e, (uintptr_t)interrupt, 0, 0, "interrupt.invalid",
			       "%s was called for %p, which is no connected interrupt object.", what,
			       (void *)interrupt);
	return i;
}

/* -- locks -------------------------------------------------------------------------------------------------------- */

static bool is_free(void *lock)
{
	return !*(volatile KSPIN_LOCK *)lock;
}

static KIRQL lock_passively(struct us_interrupt *i)
{
	if (us_nt_irql() > PASSIVE_LEVEL)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1e, us_nt_irql(), 0, 0, "irql.interrupt-passive",
			       "The lock of a passive-level interrupt is taken at IRQL %u; it is one to wait for, at "
			       "PASSIVE_LEVEL.",
			       us_nt_irql());
	if (i->owner == us_nt_current())
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1e, 0, 0, 0, "interrupt.lock-recursive",
			       "The lock of a passive-level interrupt is taken by the thread that has it.");
	us_ke_wait(&i->free.Header, "the lock of a passive-level interrupt,");
	i->owner = us_nt_current();
	return PASSIVE_LEVEL;
}

KIRQL us_interrupt_lock(struct us_interrupt *i)
{
	KIRQL irql;

	if (i->synchronize == PASSIVE_LEVEL)
		return lock_passively(i);
	if (us_nt_irql() > i->synchronize)
		us_nt_bugcheck(0xA, 0, us_nt_irql(), i->synchronize, 0, "irql.interrupt-lock",
			       "The lock of the interrupt %s is taken at IRQL %u, above its own %u.", name_of(i),
			       us_nt_irql(), i->synchronize);
	irql = us_nt_raise_irql(i->synchronize);
	if (*i->lock == us_nt_cpu()->number + 1)
		us_nt_bugcheck(
			US_BUGCHECK_IO, US_IO_OWN + 0x1e, 0, 0, 0, "interrupt.lock-recursive",
			"The lock of the interrupt %s is taken by the processor that has it: it would wait for itself.",
			name_of(i));
	us_nt_spin(is_free, i->lock, "an interrupt's spin lock");
	*i->lock = us_nt_cpu()->number + 1;
	return irql;
}

void us_interrupt_unlock(struct us_interrupt *i, KIRQL irql)
{
	if (i->synchronize == PASSIVE_LEVEL) {
		i->owner = NULL;
		KeSetEvent(&i->free, IO_NO_INCREMENT, FALSE);
		return;
	}
	if (*i->lock != us_nt_cpu()->number + 1)
		us_nt_bugcheck(US_BUGCHECK_IO, US_IO_OWN + 0x1e, 0, 0, 0, "interrupt.lock-not-held",
			       "The lock of the interrupt %s is released by a processor that does not have it.",
			       name_of(i));
	*i->lock = 0;
	us_nt_lower_irql(irql);
}

/* -- service routines --------------------------------------------------------------------------------------------- */

static bool call_routine(struct us_interrupt *i)
{
	KIRQL irql = us_interrupt_lock(i);
	BOOLEAN mine;

	if (i->message_routine)
		mine = US_CALL("ISR", i->message_routine, (PKINTERRUPT)(void *)i, i->context, (ULONG)i->message);
	else
		mine = US_CALL("ISR", i->routine, (PKINTERRUPT)(void *)i, i->context);
	us_interrupt_unlock(i, irql);
	return mine;
}

static void work(void *context)
{
	struct us_interrupt *i = context;

	while (!i->ending) {
		if (!i->wanted) {
			i->worker_waits = true;
			us_nt_block("an interrupt, as the thread of the passive-level %s", name_of(i));
			i->worker_waits = false;
			continue;
		}
		i->wanted = false;
		i->running = true;
		us_vector_served(i, call_routine(i));
		i->running = false;
	}
	KeSetEvent(&i->ended, IO_NO_INCREMENT, FALSE);
}

bool us_interrupt_serve(struct us_interrupt *i)
{
	if (i->irql != PASSIVE_LEVEL)
		return call_routine(i);
	i->wanted = true;
	if (i->worker_waits)
		us_nt_wake(i->worker, STATUS_SUCCESS);
	return false; /* its thread will say */
}

/* -- connecting --------------------------------------------------------------------------------------------------- */

/* What the three ways of connecting say alike. */
struct wish {
	PKSERVICE_ROUTINE routine;
	PKMESSAGE_SERVICE_ROUTINE message_routine;
	PVOID context;
	PKSPIN_LOCK lock;
	KIRQL irql, synchronize;
	int message;
};

static NTSTATUS connect(const struct wish *wish, struct us_interrupt **connected)
{
	struct us_interrupt *i = us_nt_pool_alloc(sizeof(*i), 0x72746e49 /* "Intr" */);

	if (!i)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(i, 0, sizeof(*i));
	i->magic = US_INTERRUPT_MAGIC;
	i->routine = wish->routine;
	i->message_routine = wish->message_routine;
	i->context = wish->context;
	i->lock = wish->lock ? wish->lock : &i->own_lock;
	i->irql = wish->irql;
	i->synchronize = wish->synchronize;
	i->message = wish->message;
	if (i->irql == PASSIVE_LEVEL) {
		KeInitializeEvent(&i->free, SynchronizationEvent, TRUE);
		KeInitializeEvent(&i->ended, NotificationEvent, FALSE);
		i->worker = us_nt_thread_create("passive interrupt", 16, work, i);
		if (!i->worker) {
			us_nt_pool_free(i);
			return STATUS_INSUFFICIENT_RESOURCES;
		}
	}
	us_nt_trace("interrupt %s is connected", name_of(i));
	us_vector_connect(i);
	*connected = i;
	return STATUS_SUCCESS;
}

/* Its thread ends; an interrupt that came, and that it will not look at any more, keeps the line masked no longer. */
static void end_worker(struct us_interrupt *i)
{
	i->ending = true;
	if (i->worker_waits)
		us_nt_wake(i->worker, STATUS_SUCCESS);
	us_ke_wait(&i->ended.Header, "the end of the service routine that is being disconnected,");
	if (i->wanted)
		us_vector_served(i, true);
}

static void disconnect(struct us_interrupt *i)
{
	us_nt_trace("interrupt %s is disconnected", name_of(i));
	us_vector_disconnect(i);
	if (i->worker)
		end_worker(i);
	i->magic = 0;
	us_nt_pool_free(i);
}

/* The granted interrupt that a vector of the translated resources means; false: none. */
static bool find_vector(ULONG vector, int *message, KIRQL *irql)
{
	const struct us_pnp_grant *grant = &us_nt->pnp->grant;

	if (grant->kind == US_INTX) {
		*message = -1;
		*irql = US_LINE_IRQL;
		return grant->count && vector == US_LINE_VECTOR;
	}
	*message = (int)(vector - us_pnp_message_vector(0));
	if (*message < 0 || (unsigned)*message >= grant->count)
		return false;
	*irql = us_pnp_message_irql((unsigned)*message);
	return true;
}

static NTSTATUS connect_by_vector(PKINTERRUPT *object, PKSERVICE_ROUTINE routine, PVOID context, PKSPIN_LOCK lock,
				  ULONG vector, KIRQL irql, KIRQL synchronize, KINTERRUPT_MODE mode, BOOLEAN share)
{
	struct wish wish = {
		.routine = routine, .context = context, .lock = lock, .irql = irql, .synchronize = synchronize};
	struct us_interrupt *i;
	KIRQL granted;
	NTSTATUS status;

	if (!routine || !find_vector(vector, &wish.message, &granted))
		return STATUS_INVALID_PARAMETER;
	if (irql != granted && irql != PASSIVE_LEVEL)
		return STATUS_INVALID_PARAMETER;
	if (synchronize < irql || (irql == PASSIVE_LEVEL && synchronize != PASSIVE_LEVEL))
		return STATUS_INVALID_PARAMETER;
	if (mode != (wish.message < 0 ? LevelSensitive : Latched) || (wish.message < 0 && !share))
		return STATUS_INVALID_PARAMETER; /* the other device is on the line already, and shares it */
	status = connect(&wish, &i);
	if (NT_SUCCESS(status))
		*object = (PKINTERRUPT)(void *)i;
	return status;
}

NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT *object, PKSERVICE_ROUTINE routine, PVOID context, PKSPIN_LOCK lock,
				  ULONG vector, KIRQL irql, KIRQL synchronize, KINTERRUPT_MODE mode, BOOLEAN share,
				  KAFFINITY processors, BOOLEAN floating)
{
	(void)processors;
	(void)floating;
	*object = NULL;
	if (irql == PASSIVE_LEVEL)
		return STATUS_INVALID_PARAMETER;
	return connect_by_vector(object, routine, context, lock, vector, irql, synchronize, mode, share);
}

static NTSTATUS connect_by_line(PKINTERRUPT *object, PKSERVICE_ROUTINE routine, PVOID context, PKSPIN_LOCK lock,
				KIRQL synchronize)
{
	struct wish wish = {.routine = routine, .context = context, .lock = lock, .message = -1};
	struct us_interrupt *i;
	NTSTATUS status;

	if (us_nt->pnp->grant.kind != US_INTX || !us_nt->pnp->grant.count)
		return STATUS_NOT_FOUND;
	wish.irql = US_LINE_IRQL;
	wish.synchronize = synchronize ? synchronize : wish.irql;
	if (!routine || wish.synchronize < wish.irql)
		return STATUS_INVALID_PARAMETER;
	status = connect(&wish, &i);
	if (NT_SUCCESS(status))
		*object = (PKINTERRUPT)(void *)i;
	return status;
}

/* The message's address and data, as the bus has programmed them; no driver may use them for anything. */
static void describe_message(IO_INTERRUPT_MESSAGE_INFO_ENTRY *entry, unsigned n, struct us_interrupt *i)
{
	*entry = (IO_INTERRUPT_MESSAGE_INFO_ENTRY){
		.TargetProcessorSet = ((KAFFINITY)1 << us_nt_cpus()) - 1,
		.InterruptObject = (PKINTERRUPT)(void *)i,
		.MessageData = us_pnp_message_vector(n),
		.Vector = us_pnp_message_vector(n),
		.Irql = i->irql,
		.Mode = Latched,
		.Polarity = InterruptActiveHigh,
	};
	entry->MessageAddress.QuadPart = 0xfee00000;
}

static NTSTATUS connect_messages(PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS p)
{
	unsigned count = us_nt->pnp->grant.count;
	PIO_INTERRUPT_MESSAGE_INFO table;
	struct us_interrupt *made[US_PNP_MESSAGES];
	KIRQL highest = us_pnp_message_irql(count - 1);
	NTSTATUS status = STATUS_SUCCESS;

	if (!p->MessageServiceRoutine || (p->SynchronizeIrql && p->SynchronizeIrql < highest))
		return STATUS_INVALID_PARAMETER;
	table = us_nt_pool_alloc(sizeof(*table) + count * sizeof(table->MessageInfo[0]), US_PNP_TAG);
	if (!table)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(table, 0, sizeof(*table));
	table->UnifiedIrql = p->SynchronizeIrql ? p->SynchronizeIrql : highest;
	for (unsigned n = 0; n < count && NT_SUCCESS(status); n++) {
		struct wish wish = {.message_routine = p->MessageServiceRoutine,
				    .context = p->ServiceContext,
				    .lock = p->SpinLock,
				    .irql = us_pnp_message_irql(n),
				    .synchronize = table->UnifiedIrql,
				    .message = (int)n};

		status = connect(&wish, &made[n]);
		if (!NT_SUCCESS(status))
			break;
		describe_message(&table->MessageInfo[n], n, made[n]);
		table->MessageCount++;
	}
	if (!NT_SUCCESS(status)) {
		while (table->MessageCount)
			disconnect(made[--table->MessageCount]);
		us_nt_pool_free(table);
		return status;
	}
	*p->ConnectionContext.InterruptMessageTable = table;
	return status;
}

static NTSTATUS connect_by_message(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
	PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS p = &parameters->MessageBased;

	if (us_nt->pnp->grant.count && us_nt->pnp->grant.kind != US_INTX)
		return connect_messages(p);
	if (!p->FallBackServiceRoutine)
		return STATUS_NOT_FOUND;
	parameters->Version = CONNECT_BY_LINE; /* how the driver knows what it got */
	return connect_by_line(p->ConnectionContext.InterruptObject, p->FallBackServiceRoutine, p->ServiceContext,
			       p->SpinLock, p->SynchronizeIrql);
}

NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS p)
{
	switch (p->Version) {
	case CONNECT_BY_VECTOR:
	case CONNECT_BY_VECTOR_GROUP:
		if (!us_pnp_is_pdo(p->FullySpecified.PhysicalDeviceObject))
			return STATUS_INVALID_PARAMETER;
		return connect_by_vector(p->FullySpecified.InterruptObject, p->FullySpecified.ServiceRoutine,
					 p->FullySpecified.ServiceContext, p->FullySpecified.SpinLock,
					 p->FullySpecified.Vector, p->FullySpecified.Irql,
					 p->FullySpecified.SynchronizeIrql, p->FullySpecified.InterruptMode,
					 p->FullySpecified.ShareVector);
	case CONNECT_BY_LINE:
		if (!us_pnp_is_pdo(p->LineBased.PhysicalDeviceObject))
			return STATUS_INVALID_PARAMETER;
		return connect_by_line(p->LineBased.InterruptObject, p->LineBased.ServiceRoutine,
				       p->LineBased.ServiceContext, p->LineBased.SpinLock,
				       p->LineBased.SynchronizeIrql);
	case CONNECT_BY_MESSAGE:
		if (!us_pnp_is_pdo(p->MessageBased.PhysicalDeviceObject))
			return STATUS_INVALID_PARAMETER;
		return connect_by_message(p);
	default:
		p->Version = CONNECT_BY_VECTOR_GROUP; /* the newest that there is */
		return STATUS_NOT_SUPPORTED;
	}
}

VOID NTAPI IoDisconnectInterrupt(PKINTERRUPT interrupt)
{
	disconnect(us_interrupt_of(interrupt, "IoDisconnectInterrupt"));
}

VOID NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS p)
{
	PIO_INTERRUPT_MESSAGE_INFO table;

	if (p->Version != CONNECT_BY_MESSAGE) {
		disconnect(us_interrupt_of(p->ConnectionContext.InterruptObject, "IoDisconnectInterruptEx"));
		return;
	}
	table = p->ConnectionContext.InterruptMessageTable;
	for (ULONG n = 0; n < table->MessageCount; n++)
		disconnect(us_interrupt_of(table->MessageInfo[n].InterruptObject, "IoDisconnectInterruptEx"));
	us_nt_pool_free(table);
}

/* -- synchronising ------------------------------------------------------------------------------------------------ */

BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT interrupt, PKSYNCHRONIZE_ROUTINE routine, PVOID context)
{
	struct us_interrupt *i = us_interrupt_of(interrupt, "KeSynchronizeExecution");
	KIRQL irql = us_interrupt_lock(i);
	BOOLEAN result = US_CALL("SynchCritSection", routine, context);

	us_interrupt_unlock(i, irql);
	return result;
}

KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT interrupt)
{
	return us_interrupt_lock(us_interrupt_of(interrupt, "KeAcquireInterruptSpinLock"));
}

VOID NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT interrupt, KIRQL irql)
{
	us_interrupt_unlock(us_interrupt_of(interrupt, "KeReleaseInterruptSpinLock"), irql);
}
