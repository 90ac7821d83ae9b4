/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of plug and play share: the PCI bus with the one function on it, as device object and as configuration
 * space. kernel.h has what the story needs.
 */
#ifndef UNDERSTUDY_NT_PNP_H
#define UNDERSTUDY_NT_PNP_H

#include "nt/kernel.h"

#define US_PNP_TAG 0x20506e50 /* "PnP " */

#define US_PNP_CLASS "{4d36e97d-e325-11ce-bfc1-08002be10318}" /* its setup class: system devices */

/* Where the function is on the bus. */
#define US_PCI_BUS 3
#define US_PCI_DEVICE 3
#define US_PCI_FUNCTION 0

#define US_PNP_WAITERS 16 /* threads that wait for the PnP manager at once, at most */
/* How often a failed device is started again, and in which time (ns): as the framework does. */
#define US_PNP_RESTARTS 5
#define US_PNP_RESTART_TIME UINT64_C(10000000000)

#define US_PNP_MESSAGES 32 /* at most are granted */

/* A BAR as it is now. */
struct us_pnp_bar {
	uint64_t address, size; /* size 0: not there */
	uint32_t flags; /* enum us_region_flags */
};

/* What the device is granted of interrupts. */
struct us_pnp_grant {
	enum us_irq_kind kind;
	unsigned count; /* messages, or 1 line; 0: none at all */
};

enum us_pnp_state { US_PNP_ABSENT, US_PNP_ADDED, US_PNP_STARTED, US_PNP_STOPPED, US_PNP_SURPRISED };

struct us_pnp {
	PDRIVER_OBJECT bus; /* the PCI bus's driver */
	PDEVICE_OBJECT pdo;
	enum us_pnp_state state;
	bool gone; /* pulled out: it answers all ones, and hears nothing */
	bool failed; /* PNP_DEVICE_FAILED */
	char instance[128]; /* PCI\VEN_1234&DEV_C0DE&SUBSYS_00000000&REV_00\3&11583659&0&18 */
	struct us_pnp_bar bars[6];
	struct us_pnp_grant grant;
	unsigned asked; /* messages that the driver asked for by its INF or its filter; 0: says nothing */
	struct us_interrupt *interrupts; /* connected */
	uint16_t command; /* that the bus gave the function at its start */
	uint32_t saved[16]; /* config space while in D3 */
	DEVICE_POWER_STATE power;
	SYSTEM_POWER_STATE system;
	bool invalidated; /* IoInvalidateDeviceState: to be asked for */
	bool relations_changed; /* IoInvalidateDeviceRelations: its children are to be asked for */
	struct us_pnp_child *children; /* pnp-child.c */
	struct us_pnp_property *properties; /* pnp-data.c */
	PDRIVER_OBJECT driver; /* whose AddDevice was called last */
	bool restart; /* once it is removed, that is to be called again */
	unsigned restarts; /* in the time that began at … */
	uint64_t restarts_since;
	struct us_thread *owner, *waiters[US_PNP_WAITERS]; /* pnp-lock.c */
	unsigned depth, nwaiters;
	unsigned rebalances;
	bool reversed; /* the last BAR comes first in the lists */
	PCM_RESOURCE_LIST raw, translated; /* pool: the device's now */
	struct us_pnp_requests *requests; /* power IRPs: pnp-power.c */
	struct us_vectors *vectors; /* pnp-vector.c */
	struct us_line *line; /* pnp-line.c */
};

/* -- one at a time (pnp-lock.c) ----------------------------------------------------------------------------------- */

/*
 * The PnP manager does one thing to the device at a time: what a story asks for, what a driver's word makes necessary, and
 * what the last closed file lets go on. Recursive, since one leads to another. At PASSIVE_LEVEL.
 */
void us_pnp_enter(void);
void us_pnp_leave(void);

/* us_nt_pnp_settle(), by a thread of the system. Up to DISPATCH_LEVEL. */
void us_pnp_settle_soon(void);

/* The device was removed as its driver has said that it failed: starts it again, if that is wanted (pnp-restart.c). */
void us_pnp_restart(void);

/* The bus has found the function: AddDevice, and its start; on failure the device is removed (pnp-life.c). */
NTSTATUS us_pnp_add_and_start(PDRIVER_OBJECT driver);

/* -- the device's life (pnp-life.c) ------------------------------------------------------------------------------- */

/*
 * Sends a PnP IRP to the top of a stack and waits. `fill` is the stack location's parameters; *information what came
 * back. us_pnp_tell(): one that a driver must not fail, as Microsoft's reference says.
 */
NTSTATUS us_pnp_ask(PDEVICE_OBJECT pdo, UCHAR minor, const void *fill, size_t size, ULONG_PTR *information);
void us_pnp_tell(PDEVICE_OBJECT pdo, UCHAR minor);
NTSTATUS us_pnp_read_capabilities(PDEVICE_OBJECT pdo, bool *raw);

/* -- children (pnp-child.c) --------------------------------------------------------------------------------------- */

/*
 * Devices that the driver makes itself, as a bus's driver does: known once it reports them (IRP_MN_QUERY_DEVICE_RELATIONS).
 * One that can be used raw is started without another driver; the stage has no other, so that the rest are present, and
 * without driver. All of this in the PnP manager's hands (us_pnp_enter()).
 */
bool us_pnp_is_child(PDEVICE_OBJECT device);
const char *us_pnp_child_path(PDEVICE_OBJECT child); /* its instance path */
NTSTATUS us_pnp_child_may_open(PDEVICE_OBJECT child);
void us_pnp_child_invalidate(PDEVICE_OBJECT child); /* IoInvalidateDeviceState */
void us_pnp_child_eject(PDEVICE_OBJECT child); /* IoRequestDeviceEject */

void us_pnp_children_start(void); /* the parent was started: those there are, and those that it now reports */
void us_pnp_children_settle(void); /* what drivers have said of them; what is left to remove */
NTSTATUS us_pnp_children_query(UCHAR minor, UCHAR cancel); /* all, or none: then the others hear of `cancel` */
void us_pnp_children_cancel(UCHAR minor);
void us_pnp_children_stop(void);
void us_pnp_children_surprise(void);
void us_pnp_children_remove(void); /* before the parent */
void us_pnp_children_forget(void); /* after it: their device objects are gone */
bool us_pnp_children_used(void); /* files are open */
bool us_pnp_children_wait(void); /* one can be removed now that its last file is closed */

/* -- the bus (pnp-bus.c) ------------------------------------------------------------------------------------------ */

bool us_pnp_is_pdo(PDEVICE_OBJECT device);
void us_pnp_must_be_pdo(PDEVICE_OBJECT device, const char *function); /* a bugcheck for others (pnp-property.c) */
void us_pnp_bus_init(void);
void us_pnp_file_closed(void); /* the last file of a device that is gone: it is removed now */

PDRIVER_OBJECT us_pnp_bus_driver(void);
const char *us_pnp_minor_name(UCHAR minor);

/* Text by which drivers and INFs know the function: NULL terminated, ASCII, for `index` from 0; false: no more. */
bool us_pnp_hardware_id(unsigned index, char text[64]);
bool us_pnp_compatible_id(unsigned index, char text[64]);

/* -- configuration space (pnp-config.c) --------------------------------------------------------------------------- */

/* All ones while the function is gone; writes go nowhere then. */
uint32_t us_pnp_config_read(unsigned offset, unsigned width);
void us_pnp_config_write(unsigned offset, unsigned width, uint32_t value);

void us_pnp_read_bars(void);
void us_pnp_move_bars(void); /* to other addresses */
void us_pnp_enable(void); /* as the PCI bus's driver does at a start: BARs, memory and I/O space, bus master */
void us_pnp_disable(void);
void us_pnp_to_d3(void);
void us_pnp_to_d0(bool power_was_lost);

/* -- resources (pnp-resource.c) ----------------------------------------------------------------------------------- */

/* What the function needs, in the pool; the message count as its INF asks. NULL: no memory. */
PIO_RESOURCE_REQUIREMENTS_LIST us_pnp_requirements(void);

/* Chooses the grant by us_rehearsal and what the (filtered) requirements ask for, and makes the lists in us_nt->pnp. */
NTSTATUS us_pnp_assign(const IO_RESOURCE_REQUIREMENTS_LIST *requirements);
void us_pnp_release(void);

/* Vectors and levels as the translated lists have them. */
#define US_LINE_VECTOR 0x81u
#define US_LINE_IRQL 8
#define US_LINE_NUMBER 17u
unsigned us_pnp_message_vector(unsigned n);
KIRQL us_pnp_message_irql(unsigned n);

/* -- interrupts (pnp-vector.c; interrupt.h has more) -------------------------------------------------------------- */

void us_pnp_interrupt_init(void);
void us_pnp_interrupts_start(void); /* the device is started: its line is live */
void us_pnp_interrupts_stop(void);
void us_pnp_interrupts_restore(void); /* config space was lost: messages that are connected are programmed again */

/* -- power (pnp-power.c) ------------------------------------------------------------------------------------------ */

NTSTATUS us_pnp_bus_power(PDEVICE_OBJECT device, PIRP irp); /* the bus's driver's dispatch routine of IRP_MJ_POWER */

#endif
