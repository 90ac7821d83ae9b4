/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WDFLDR.SYS: binds a driver to the framework, and ends that. The framework is version 1.15; a driver that was built
 * for it or an older one gets the table of its functions, all of which are gates.
 */
#include "nt/kmdf/kmdf.h"
#include "nt/phys.h"
#include "nt/trace.h"

#include <stdio.h>

#define FUNCTIONS (sizeof(struct _WDF_FUNCTIONS) / sizeof(WDFFUNC))
#define POINTER_SINCE 15 /* from this minor version on FuncTable is the address of a pointer, before of an array */
#define TAG 0x4c447846u /* "FxDL" */

/* WDF_BIND_INFO. From 1.25 on more may follow, which Size tells. */
struct bind_info {
	ULONG size;
	PCWSTR component;
	ULONG major, minor, build;
	ULONG count;
	void *table;
	PVOID module;
};

_Static_assert(offsetof(struct bind_info, table) == 32 && sizeof(struct bind_info) == 48, "as binding.md says");

/* WDF_CLASS_BIND_INFO as far as it is read here. */
struct class_info {
	ULONG size;
	PCWSTR name;
	ULONG major, minor, build;
};

struct us_wdf_binding {
	WDF_DRIVER_GLOBALS *globals;
	WDFFUNC *table; /* of the driver's; gates */
	struct bind_info *info;
};

/* -- the functions ------------------------------------------------------------------------------------------------ */

static const struct us_wdf_function {
	const char *name;
	UCHAR max_irql;
	const char *types;
} names[] = {
#include "kmdf-functions.h"
};

_Static_assert(sizeof(names) / sizeof(names[0]) == FUNCTIONS, "one name for each function");

static void fill(struct _WDF_FUNCTIONS *table)
{
	us_wdf_object_functions(table);
	us_wdf_driver_functions(table);
	us_wdf_init_functions(table);
	us_wdf_child_functions(table);
	us_wdf_child_list_functions(table);
	us_wdf_device_functions(table);
	us_wdf_interface_functions(table);
	us_wdf_property_functions(table);
	us_wdf_idle_functions(table);
	us_wdf_interrupt_functions(table);
	us_wdf_resource_functions(table);
	us_wdf_registry_functions(table);
	us_wdf_string_functions(table);
	us_wdf_memory_functions(table);
	us_wdf_collection_functions(table);
	us_wdf_queue_functions(table);
	us_wdf_request_functions(table);
	us_wdf_file_functions(table);
	us_wdf_target_functions(table);
	us_wdf_dma_functions(table);
	us_wdf_timer_functions(table);
	us_wdf_dpc_functions(table);
	us_wdf_work_item_functions(table);
	us_wdf_lock_functions(table);
}

/* The functions as exports, made once in a process: their gates outlive each stage. */
static struct us_export all[FUNCTIONS];

static void make_exports(void)
{
	struct _WDF_FUNCTIONS table = {0};
	WDFFUNC functions[FUNCTIONS];

	fill(&table);
	memcpy(functions, &table, sizeof(functions));
	for (size_t i = 0; i < FUNCTIONS; i++)
		all[i] = (struct us_export){names[i].name, (void (*)(void))(uintptr_t)functions[i], names[i].max_irql,
					    names[i].types};
}

const struct us_export *us_wdf_function(size_t index)
{
	if (!all[0].name)
		make_exports();
	return index < FUNCTIONS ? &all[index] : NULL;
}

/* -- binding ------------------------------------------------------------------------------------------------------ */

static bool is_kmdf(PCWSTR component)
{
	static const WCHAR kmdf[] = L"KmdfLibrary";
	size_t i;

	for (i = 0; i < sizeof(kmdf) / sizeof(kmdf[0]); i++)
		if (component[i] != kmdf[i])
			return false;
	return true;
}

static NTSTATUS check(PDRIVER_OBJECT driver, PUNICODE_STRING path, const struct bind_info *info, PVOID *globals)
{
	if (!driver || !path || !info || !globals || info->size < sizeof(*info) || !info->component || !info->table)
		return STATUS_INVALID_PARAMETER;
	if (!is_kmdf(info->component))
		us_nt_unsupported("The driver binds to a framework that is not KmdfLibrary.");
	if (info->major != 1 || info->minor > US_WDF_MINOR)
		us_nt_unsupported("The driver binds to KMDF %u.%u; the stage has KMDF 1.%u.", info->major, info->minor,
				  US_WDF_MINOR);
	/* The table has to be as long as that of the version: so the framework tells builds apart that were never
	 * released. */
	if (!info->count || info->count != us_wdf_function_count(info->minor) || us_wdf_state()->binding)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* The last part of the service's key, as the driver's name: at most 31 characters of it. */
static void set_name(WDF_DRIVER_GLOBALS *globals, const UNICODE_STRING *path)
{
	size_t length = path->Length / sizeof(WCHAR), first = length, i;

	while (first > 0 && path->Buffer[first - 1] != L'\\')
		first--;
	for (i = 0; first + i < length && i < sizeof(globals->DriverName) - 1; i++)
		globals->DriverName[i] = (CHAR)path->Buffer[first + i];
	for (i = 0; i < 4; i++)
		globals->DriverTag |= (ULONG)(UCHAR)(globals->DriverName[i] ? globals->DriverName[i] : ' ') << 8 * i;
}

static void set_table(struct us_wdf_binding *binding)
{
	struct bind_info *info = binding->info;
	WDFFUNC *array = info->table;
	size_t i;

	if (info->minor >= POINTER_SINCE) {
		*(WDFFUNC **)info->table = binding->table;
		array = binding->table;
	}
	for (i = 0; i < info->count; i++)
		array[i] = (WDFFUNC)(uintptr_t)us_nt_gate(us_wdf_function(i));
}

static NTSTATUS NTAPI version_bind(PDRIVER_OBJECT driver, PUNICODE_STRING path, struct bind_info *info, PVOID *globals)
{
	struct us_wdf_binding *binding;
	NTSTATUS status = check(driver, path, info, globals);

	if (!NT_SUCCESS(status))
		return status;
	binding = us_nt_alloc(sizeof(*binding));
	binding->info = info;
	binding->globals = us_nt_pool_alloc(sizeof(*binding->globals), TAG);
	binding->table = us_nt_pool_alloc(FUNCTIONS * sizeof(WDFFUNC), TAG);
	if (!binding->globals || !binding->table) {
		us_wdf_pool_free(binding->globals);
		us_wdf_pool_free(binding->table);
		us_nt_free(binding);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	memset(binding->globals, 0, sizeof(*binding->globals));
	memset(binding->table, 0, FUNCTIONS * sizeof(WDFFUNC));
	set_name(binding->globals, path);
	set_table(binding);
	us_wdf_state()->binding = binding;
	us_nt_trace("note      %s is bound to KMDF 1.%u as a driver for 1.%u", binding->globals->DriverName,
		    US_WDF_MINOR, info->minor);
	*globals = binding->globals;
	return STATUS_SUCCESS;
}

/* What the driver leaves behind is a leak of the framework's objects: those that it keeps alive by references. */
static void check_leaks(void)
{
	struct us_wdf *wdf = us_wdf_state();
	char text[512];
	size_t at = 0, count = 0;
	LIST_ENTRY *link;

	for (link = wdf->objects.Flink; link != &wdf->objects; link = link->Flink) {
		struct us_wdf_object *object = CONTAINING_RECORD(link, struct us_wdf_object, all);

		if (count++ < 8)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s (%d references, %d of the driver's)",
					       at ? ", " : "", us_wdf_name(object), (int)object->references,
					       (int)object->drivers_references);
	}
	if (count)
		us_nt_stop(US_NT_LEAK, "object.leak", "The driver is unloaded and %zu framework objects are left: %s.",
			   count, text);
}

static NTSTATUS NTAPI version_unbind(PUNICODE_STRING path, struct bind_info *info, PVOID globals)
{
	struct us_wdf *wdf = us_wdf_state();
	struct us_wdf_binding *binding = wdf->binding;

	(void)path;
	if (!binding || binding->info != info || binding->globals != globals)
		return STATUS_INVALID_PARAMETER;
	if (wdf->driver)
		us_wdf_delete(&wdf->driver->object);
	us_wdf_later_flush();
	check_leaks();
	wdf->binding = NULL;
	us_wdf_pool_free(binding->table);
	us_wdf_pool_free(binding->globals);
	us_nt_free(binding);
	return STATUS_SUCCESS;
}

unsigned us_wdf_binding_minor(const struct us_wdf_binding *binding)
{
	return binding->info->minor;
}

WDF_DRIVER_GLOBALS *us_wdf_globals(void)
{
	return us_wdf_state()->binding->globals;
}

/* -- class extensions --------------------------------------------------------------------------------------------- */

/*
 * Microsoft's stub imports both functions into every driver, and calls them for each class extension that the driver
 * uses: most use none. There are none on the stage.
 */
static _Noreturn void no_class(const struct class_info *info, const char *what)
{
	char name[64] = "?";
	size_t i;

	for (i = 0; info->name && i < sizeof(name) - 1 && info->name[i]; i++)
		name[i] = (char)(info->name[i] < 0x80 ? info->name[i] : '?');
	name[i ? i : 1] = 0;
	us_nt_unsupported("The driver %s the class extension %s, version %u.%u; the stage has no class extensions.",
			  what, name, (unsigned)info->major, (unsigned)info->minor);
}

static NTSTATUS NTAPI bind_class(struct bind_info *info, PVOID globals, struct class_info *class)
{
	if (!info || !globals || !class)
		return STATUS_INVALID_PARAMETER;
	no_class(class, "binds to");
}

static void NTAPI unbind_class(struct bind_info *info, PVOID globals, struct class_info *class)
{
	(void)info, (void)globals;
	us_wdf_need(class, "WdfVersionUnbindClass", "ClassBindInfo");
	no_class(class, "unbinds from");
}

const struct us_export us_wdf_loader_exports[] = {
	US_EXPORT_AS("WdfVersionBind", version_bind, PASSIVE_LEVEL, "S:pwpp"),
	US_EXPORT_AS("WdfVersionUnbind", version_unbind, PASSIVE_LEVEL, "s:wpp"),
	US_EXPORT_AS("WdfVersionBindClass", bind_class, PASSIVE_LEVEL, "s:ppp"),
	US_EXPORT_AS("WdfVersionUnbindClass", unbind_class, PASSIVE_LEVEL, "v:ppp"),
	US_EXPORT_AS("WdfLdrQueryInterface", NULL, PASSIVE_LEVEL, "s:p"),
	US_EXPORT_END,
};
