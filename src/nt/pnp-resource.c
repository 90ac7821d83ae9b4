/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the function needs and what it gets: its BARs, and interrupts as us_rehearsal grants them. As Windows does, MSI
 * comes as one descriptor with the number of messages, MSI-X as one descriptor for each message.
 */
#include "nt/io.h"
#include "nt/pnp.h"
#include "nt/registry.h"
#include "nt/trace.h"

#define MESSAGE_BASE 0x90u

unsigned us_pnp_message_vector(unsigned n)
{
	return MESSAGE_BASE + n;
}

KIRQL us_pnp_message_irql(unsigned n)
{
	return (KIRQL)(us_pnp_message_vector(n) >> 4);
}

static KAFFINITY all_processors(void)
{
	return ((KAFFINITY)1 << us_nt_cpus()) - 1;
}

/* -- what it needs ------------------------------------------------------------------------------------------------ */

/* A number that the INF wrote below "Interrupt Management\MessageSignaledInterruptProperties"; -1: it wrote none. */
static long inf_says(const char *name)
{
	static const char key[] = "Device\\Interrupt Management\\MessageSignaledInterruptProperties";
	const struct us_rehearsal *config = us_nt->config;
	uint32_t value;

	for (size_t i = 0; i < config->nregistry; i++)
		if (config->registry[i].type == REG_DWORD && config->registry[i].size == sizeof(value) &&
		    config->registry[i].key && strcasecmp(config->registry[i].key, key) == 0 &&
		    strcasecmp(config->registry[i].name, name) == 0) {
			memcpy(&value, config->registry[i].data, sizeof(value));
			return (long)value;
		}
	return -1;
}

/* How many messages the device asks for. Windows asks for none without MSISupported; here that is understood. */
static unsigned wanted_messages(void)
{
	const struct us_function_info *info = us_nt->info;
	unsigned has = info->irqs[US_MSI] ? info->irqs[US_MSI] : info->irqs[US_MSIX];
	long limit = inf_says("MessageNumberLimit");

	if (us_nt->config->grant == US_NT_GRANT_LINE || inf_says("MSISupported") == 0)
		return 0;
	if (us_nt->config->grant == US_NT_GRANT_MSIX)
		has = info->irqs[US_MSIX];
	return limit > 0 && (unsigned long)limit < has ? (unsigned)limit : has;
}

static void need_bar(IO_RESOURCE_DESCRIPTOR *d, const struct us_pnp_bar *bar)
{
	bool io = bar->flags & US_REGION_IO;

	*d = (IO_RESOURCE_DESCRIPTOR){.Type = io ? CmResourceTypePort : CmResourceTypeMemory,
				      .ShareDisposition = CmResourceShareDeviceExclusive};
	d->Flags = io ? CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE | CM_RESOURCE_PORT_POSITIVE_DECODE
		      : CM_RESOURCE_MEMORY_READ_WRITE |
				   (bar->flags & US_REGION_PREFETCHABLE ? CM_RESOURCE_MEMORY_PREFETCHABLE : 0);
	d->u.Memory.Length = d->u.Memory.Alignment = (ULONG)bar->size;
	d->u.Memory.MaximumAddress.QuadPart = io                             ? 0xffff
					      : bar->flags & US_REGION_MEM64 ? INT64_MAX
									     : (LONGLONG)UINT32_MAX;
}

PIO_RESOURCE_REQUIREMENTS_LIST us_pnp_requirements(void)
{
	size_t size = sizeof(IO_RESOURCE_REQUIREMENTS_LIST) + (6 + US_PNP_MESSAGES) * sizeof(IO_RESOURCE_DESCRIPTOR);
	PIO_RESOURCE_REQUIREMENTS_LIST list = us_nt_pool_for_driver(size, US_PNP_TAG);
	IO_RESOURCE_DESCRIPTOR *d;
	unsigned messages = wanted_messages();

	if (!list)
		return NULL;
	memset(list, 0, size);
	list->ListSize = (ULONG)size;
	list->InterfaceType = PCIBus;
	list->BusNumber = US_PCI_BUS;
	list->SlotNumber = US_PCI_DEVICE | US_PCI_FUNCTION << 5;
	list->AlternativeLists = 1;
	list->List[0].Version = list->List[0].Revision = 1;
	d = list->List[0].Descriptors;
	for (unsigned i = 0; i < 6; i++)
		if (us_nt->pnp->bars[i].size)
			need_bar(d++, &us_nt->pnp->bars[i]);
	if (messages) {
		*d = (IO_RESOURCE_DESCRIPTOR){.Option = IO_RESOURCE_PREFERRED,
					      .Type = CmResourceTypeInterrupt,
					      .ShareDisposition = CmResourceShareDeviceExclusive,
					      .Flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE};
		/* Of messages the vectors are CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN downwards. */
		d->u.Interrupt.MaximumVector = (ULONG)-2;
		d++->u.Interrupt.MinimumVector = (ULONG)-2 - (messages - 1);
	}
	if (us_nt->info->irqs[US_INTX]) {
		*d = (IO_RESOURCE_DESCRIPTOR){.Option = messages ? IO_RESOURCE_ALTERNATIVE : 0,
					      .Type = CmResourceTypeInterrupt,
					      .ShareDisposition = CmResourceShareShared,
					      .Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE};
		d->u.Interrupt.MaximumVector = 0xff;
		d++;
	}
	list->List[0].Count = (ULONG)(d - list->List[0].Descriptors);
	return list;
}

/* -- what it gets ------------------------------------------------------------------------------------------------- */

#define PRIVATES 8 /* descriptors at most that a driver has added for itself */

/* What the list that the driver has seen, and may have changed, asks for: its first alternative. */
struct asked {
	bool bars[6], line;
	unsigned messages;
	const IO_RESOURCE_DESCRIPTOR *private[PRIVATES];
	unsigned privates;
};

/* The BAR that a descriptor means. There is nothing else on the bus that could be granted. */
static void ask_for_bar(struct asked *asked, const IO_RESOURCE_DESCRIPTOR *d)
{
	bool io = d->Type == CmResourceTypePort;

	for (unsigned i = 0; i < 6; i++) {
		const struct us_pnp_bar *bar = &us_nt->pnp->bars[i];

		if (bar->size && !asked->bars[i] && io == !!(bar->flags & US_REGION_IO) &&
		    d->u.Memory.Length == (ULONG)bar->size) {
			asked->bars[i] = true;
			return;
		}
	}
	us_nt_unsupported(
		"The driver asks for %s of %u bytes beside the function's BARs: the stage has no other to grant.",
		io ? "ports" : "memory", (unsigned)d->u.Memory.Length);
}

static void ask_for(struct asked *asked, const IO_RESOURCE_DESCRIPTOR *d)
{
	switch (d->Type) {
	case CmResourceTypeNull:
		break;
	case CmResourceTypePort:
	case CmResourceTypeMemory:
		ask_for_bar(asked, d);
		break;
	case CmResourceTypeInterrupt:
		if (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)
			asked->messages += d->u.Interrupt.MaximumVector - d->u.Interrupt.MinimumVector + 1;
		else
			asked->line = true;
		break;
	case CmResourceTypeDevicePrivate:
		if (asked->privates == PRIVATES)
			us_nt_unsupported("More than %u device-private resources.", PRIVATES);
		asked->private[asked->privates++] = d;
		break;
	default:
		us_nt_unsupported("The driver asks for a resource of type %u.", d->Type);
	}
}

static struct asked read_requirements(const IO_RESOURCE_REQUIREMENTS_LIST *list)
{
	/* By pointer: the headers give the array one element, and compilers believe that of a list in a list. */
	const IO_RESOURCE_DESCRIPTOR *d = list->List[0].Descriptors;
	struct asked asked = {0};

	for (ULONG i = 0; list->AlternativeLists && i < list->List[0].Count; i++)
		ask_for(&asked, d + i);
	return asked;
}

static unsigned power_of_two(unsigned n)
{
	unsigned p = 1;

	while (p * 2 <= n)
		p *= 2;
	return n ? p : 0;
}

static _Noreturn void has_not(const char *what)
{
	us_nt_stop(US_NT_FAILED, "", "The run grants %s, and the function has none that its driver asks for.", what);
}

static struct us_pnp_grant choose(unsigned messages, bool line)
{
	const struct us_rehearsal *config = us_nt->config;
	const uint32_t *has = us_nt->info->irqs;
	unsigned limit = config->messages ? config->messages : US_PNP_MESSAGES;
	struct us_pnp_grant msi = {US_MSI, power_of_two(min(min(messages, has[US_MSI]), limit))};
	struct us_pnp_grant msix = {US_MSIX, min(min(messages, has[US_MSIX]), limit)};

	switch (config->grant) {
	case US_NT_GRANT_LINE:
		if (!has[US_INTX] || !line)
			has_not("a line");
		return (struct us_pnp_grant){US_INTX, 1};
	case US_NT_GRANT_MSI:
		if (!msi.count)
			has_not("MSI");
		return msi;
	case US_NT_GRANT_MSIX:
		if (!msix.count)
			has_not("MSI-X");
		return msix;
	case US_NT_GRANT_BEST:
		break;
	}
	return msi.count ? msi : msix.count ? msix : (struct us_pnp_grant){US_INTX, line && has[US_INTX]};
}

static void give_bar(CM_PARTIAL_RESOURCE_DESCRIPTOR *d, const struct us_pnp_bar *bar)
{
	bool io = bar->flags & US_REGION_IO;

	memset(d, 0, sizeof(*d));
	d->Type = io ? CmResourceTypePort : CmResourceTypeMemory;
	d->ShareDisposition = CmResourceShareDeviceExclusive;
	d->Flags = io ? CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE | CM_RESOURCE_PORT_POSITIVE_DECODE
		      : CM_RESOURCE_MEMORY_READ_WRITE |
				   (bar->flags & US_REGION_PREFETCHABLE ? CM_RESOURCE_MEMORY_PREFETCHABLE : 0);
	d->u.Generic.Start.QuadPart = (LONGLONG)bar->address;
	d->u.Generic.Length = (ULONG)bar->size;
}

static void give_line(CM_PARTIAL_RESOURCE_DESCRIPTOR *raw, CM_PARTIAL_RESOURCE_DESCRIPTOR *translated)
{
	memset(raw, 0, sizeof(*raw));
	raw->Type = CmResourceTypeInterrupt;
	raw->ShareDisposition = CmResourceShareShared;
	raw->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
	raw->u.Interrupt.Level = raw->u.Interrupt.Vector = US_LINE_NUMBER;
	raw->u.Interrupt.Affinity = all_processors();
	*translated = *raw;
	translated->u.Interrupt.Level = US_LINE_IRQL;
	translated->u.Interrupt.Vector = US_LINE_VECTOR;
}

static void give_messages(CM_PARTIAL_RESOURCE_DESCRIPTOR *raw, CM_PARTIAL_RESOURCE_DESCRIPTOR *translated,
			  unsigned first, unsigned count)
{
	memset(raw, 0, sizeof(*raw));
	raw->Type = CmResourceTypeInterrupt;
	raw->ShareDisposition = CmResourceShareDeviceExclusive;
	raw->Flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
	raw->u.MessageInterrupt.Raw.MessageCount = (USHORT)count;
	raw->u.MessageInterrupt.Raw.Vector = us_pnp_message_vector(first);
	raw->u.MessageInterrupt.Raw.Affinity = all_processors();
	*translated = *raw;
	memset(&translated->u, 0, sizeof(translated->u));
	translated->u.MessageInterrupt.Translated.Level = us_pnp_message_irql(first);
	translated->u.MessageInterrupt.Translated.Vector = us_pnp_message_vector(first);
	translated->u.MessageInterrupt.Translated.Affinity = all_processors();
}

/* What only the drivers of the device understand is granted as it was asked for. */
static void give_private(CM_PARTIAL_RESOURCE_DESCRIPTOR *d, const IO_RESOURCE_DESCRIPTOR *asked)
{
	memset(d, 0, sizeof(*d));
	d->Type = CmResourceTypeDevicePrivate;
	d->ShareDisposition = asked->ShareDisposition;
	d->Flags = asked->Flags;
	memcpy(d->u.DevicePrivate.Data, asked->u.DevicePrivate.Data, sizeof(d->u.DevicePrivate.Data));
}

static PCM_RESOURCE_LIST new_list(void)
{
	size_t size =
		sizeof(CM_RESOURCE_LIST) + (6 + US_PNP_MESSAGES + PRIVATES) * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
	PCM_RESOURCE_LIST list = us_nt_pool_alloc(size, US_PNP_TAG);

	if (!list)
		return NULL;
	memset(list, 0, size);
	list->Count = 1;
	list->List[0].InterfaceType = PCIBus;
	list->List[0].BusNumber = US_PCI_BUS;
	list->List[0].PartialResourceList.Version = list->List[0].PartialResourceList.Revision = 1;
	return list;
}

void us_pnp_release(void)
{
	us_io_free(us_nt->pnp->raw);
	us_io_free(us_nt->pnp->translated);
	us_nt->pnp->raw = us_nt->pnp->translated = NULL;
}

NTSTATUS us_pnp_assign(const IO_RESOURCE_REQUIREMENTS_LIST *requirements)
{
	struct us_pnp *pnp = us_nt->pnp;
	CM_PARTIAL_RESOURCE_DESCRIPTOR *raw, *translated;
	struct asked asked = read_requirements(requirements);
	unsigned n = 0;

	pnp->grant = choose(asked.messages, asked.line);
	us_pnp_release();
	pnp->raw = new_list();
	pnp->translated = new_list();
	if (!pnp->raw || !pnp->translated)
		return STATUS_INSUFFICIENT_RESOURCES;
	raw = pnp->raw->List[0].PartialResourceList.PartialDescriptors;
	translated = pnp->translated->List[0].PartialResourceList.PartialDescriptors;
	for (unsigned i = 0; i < 6; i++) {
		unsigned bar = pnp->reversed ? 5 - i : i;

		if (asked.bars[bar]) {
			give_bar(&raw[n], &pnp->bars[bar]);
			translated[n] = raw[n];
			n++;
		}
	}
	if (pnp->grant.kind == US_INTX && pnp->grant.count) {
		give_line(&raw[n], &translated[n]);
		n++;
	} else if (pnp->grant.kind == US_MSI) {
		give_messages(&raw[n], &translated[n], 0, pnp->grant.count);
		n++;
	} else {
		for (unsigned i = 0; i < pnp->grant.count; i++, n++)
			give_messages(&raw[n], &translated[n], i, 1);
	}
	for (unsigned i = 0; i < asked.privates; i++, n++) {
		give_private(&raw[n], asked.private[i]);
		translated[n] = raw[n];
	}
	pnp->raw->List[0].PartialResourceList.Count = pnp->translated->List[0].PartialResourceList.Count = n;
	us_nt_trace("note      the device is granted %u %s", pnp->grant.count,
		    pnp->grant.kind == US_INTX  ? "line"
		    : pnp->grant.kind == US_MSI ? "MSI"
						: "MSI-X");
	return STATUS_SUCCESS;
}
