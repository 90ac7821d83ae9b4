/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads, writes and control codes for I/O targets.
 *
 * The target's device object says how it takes data: the driver's buffer as system buffer, described by an MDL, or by
 * its address. A buffered control code has one system buffer for input and output, which is made here and copied to and
 * from.
 */
#include "nt/kmdf/target.h"

#include <wdfstatus.h>

/* A buffer, wherever the driver has it. */
struct data {
	PVOID buffer;
	size_t length;
	WDFMEMORY memory; /* for the completion parameters */
	size_t offset;
};

static NTSTATUS of_memory(WDFMEMORY handle, PWDFMEMORY_OFFSET offsets, struct data *data)
{
	size_t size;

	memset(data, 0, sizeof(*data));
	if (!handle)
		return STATUS_SUCCESS;
	data->buffer = us_wdf_memory_buffer(us_wdf_from(handle, &us_wdf_memory_type), &size);
	data->memory = handle;
	data->length = size;
	if (!offsets)
		return STATUS_SUCCESS;
	if (offsets->BufferOffset > size || offsets->BufferLength > size - offsets->BufferOffset)
		return STATUS_INTEGER_OVERFLOW;
	data->offset = offsets->BufferOffset;
	data->buffer = (PUCHAR)data->buffer + offsets->BufferOffset;
	data->length = offsets->BufferLength ? offsets->BufferLength : size - offsets->BufferOffset;
	return STATUS_SUCCESS;
}

static NTSTATUS of_descriptor(PWDF_MEMORY_DESCRIPTOR descriptor, struct data *data)
{
	memset(data, 0, sizeof(*data));
	if (!descriptor)
		return STATUS_SUCCESS;
	switch (descriptor->Type) {
	case WdfMemoryDescriptorTypeBuffer:
		data->buffer = descriptor->u.BufferType.Buffer;
		data->length = descriptor->u.BufferType.Length;
		return STATUS_SUCCESS;
	case WdfMemoryDescriptorTypeMdl:
		data->buffer = MmGetSystemAddressForMdlSafe(descriptor->u.MdlType.Mdl, NormalPagePriority);
		data->length = descriptor->u.MdlType.BufferLength;
		return data->buffer ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	case WdfMemoryDescriptorTypeHandle:
		return of_memory(descriptor->u.HandleType.Memory, descriptor->u.HandleType.Offsets, data);
	default:
		return STATUS_INVALID_PARAMETER;
	}
}

static void save(struct us_wdf_request *request)
{
	request->send.saved_mdl = request->irp->MdlAddress;
	request->send.saved_buffer = request->irp->AssociatedIrp.SystemBuffer;
	request->send.saved_user_buffer = request->irp->UserBuffer;
	request->send.has_saved = true;
	request->irp->MdlAddress = NULL;
	request->irp->AssociatedIrp.SystemBuffer = NULL;
	request->irp->UserBuffer = NULL;
}

static NTSTATUS describe(struct us_wdf_request *request, const struct data *data)
{
	if (data->length == 0)
		return STATUS_SUCCESS;
	request->send.mdl = IoAllocateMdl(data->buffer, (ULONG)data->length, FALSE, FALSE, NULL);
	if (!request->send.mdl)
		return STATUS_INSUFFICIENT_RESOURCES;
	MmBuildMdlForNonPagedPool(request->send.mdl);
	request->irp->MdlAddress = request->send.mdl;
	return STATUS_SUCCESS;
}

static NTSTATUS format_transfer(struct us_wdf_request *request, struct us_wdf_io_target *target, bool write,
				const struct data *data, PLONGLONG offset, const char *function)
{
	NTSTATUS status = us_wdf_send_prepare(request, target);
	WDF_REQUEST_COMPLETION_PARAMS *params = &request->send.params;
	PIO_STACK_LOCATION stack;

	if (!NT_SUCCESS(status))
		return status;
	if (data->length > 0xFFFFFFFFu)
		return STATUS_INVALID_PARAMETER;
	stack = us_wdf_send_stack(request, function);
	save(request);
	memset(stack, 0, sizeof(*stack));
	stack->MajorFunction = write ? IRP_MJ_WRITE : IRP_MJ_READ;
	stack->FileObject = target->file;
	stack->Parameters.Read.Length = (ULONG)data->length; /* a write's parameters lie the same */
	stack->Parameters.Read.ByteOffset.QuadPart = offset ? *offset : 0;
	if (target->wdm->Flags & DO_BUFFERED_IO)
		request->irp->AssociatedIrp.SystemBuffer = data->buffer;
	else if (target->wdm->Flags & DO_DIRECT_IO)
		status = describe(request, data);
	else
		request->irp->UserBuffer = data->buffer;
	params->Type = write ? WdfRequestTypeWrite : WdfRequestTypeRead;
	params->Parameters.Read.Buffer = data->memory;
	params->Parameters.Read.Length = data->length;
	params->Parameters.Read.Offset = data->offset;
	return status;
}

static NTSTATUS buffer_control(struct us_wdf_request *request, const struct data *in, const struct data *out)
{
	size_t size = in->length > out->length ? in->length : out->length;

	if (size == 0)
		return STATUS_SUCCESS;
	request->send.system_buffer = us_nt_pool_alloc(size, US_WDF_TAG);
	if (!request->send.system_buffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (in->length)
		memcpy(request->send.system_buffer, in->buffer, in->length);
	request->send.copy_to = out->length ? out->buffer : NULL;
	request->send.copy_size = out->length;
	request->irp->AssociatedIrp.SystemBuffer = request->send.system_buffer;
	return STATUS_SUCCESS;
}

static NTSTATUS format_control(struct us_wdf_request *request, struct us_wdf_io_target *target, UCHAR major, ULONG code,
			       const struct data *in, const struct data *out, const char *function)
{
	NTSTATUS status = us_wdf_send_prepare(request, target);
	WDF_REQUEST_COMPLETION_PARAMS *params = &request->send.params;
	PIO_STACK_LOCATION stack;

	if (!NT_SUCCESS(status))
		return status;
	if (in->length > 0xFFFFFFFFu || out->length > 0xFFFFFFFFu)
		return STATUS_INVALID_PARAMETER;
	stack = us_wdf_send_stack(request, function);
	save(request);
	memset(stack, 0, sizeof(*stack));
	stack->MajorFunction = major;
	stack->FileObject = target->file;
	stack->Parameters.DeviceIoControl.IoControlCode = code;
	stack->Parameters.DeviceIoControl.InputBufferLength = (ULONG)in->length;
	stack->Parameters.DeviceIoControl.OutputBufferLength = (ULONG)out->length;
	switch (METHOD_FROM_CTL_CODE(code)) {
	case METHOD_BUFFERED:
		status = buffer_control(request, in, out);
		break;
	case METHOD_NEITHER:
		stack->Parameters.DeviceIoControl.Type3InputBuffer = in->buffer;
		request->irp->UserBuffer = out->buffer;
		break;
	default:
		request->irp->AssociatedIrp.SystemBuffer = in->buffer;
		status = describe(request, out);
		break;
	}
	params->Type = (WDF_REQUEST_TYPE)major;
	params->Parameters.Ioctl.IoControlCode = code;
	params->Parameters.Ioctl.Input.Buffer = in->memory;
	params->Parameters.Ioctl.Input.Offset = in->offset;
	params->Parameters.Ioctl.Output.Buffer = out->memory;
	params->Parameters.Ioctl.Output.Offset = out->offset;
	params->Parameters.Ioctl.Output.Length = out->length;
	return status;
}

/* -- formatting by the driver ------------------------------------------------------------------------------------- */

static NTSTATUS transfer(WDFIOTARGET target_handle, WDFREQUEST handle, bool write, WDFMEMORY memory,
			 PWDFMEMORY_OFFSET offsets, PLONGLONG offset, const char *function)
{
	struct us_wdf_io_target *target = us_wdf_from(target_handle, &us_wdf_io_target_type);
	struct us_wdf_request *request = us_wdf_request_of(handle, function, true);
	struct data data;
	NTSTATUS status = of_memory(memory, offsets, &data);

	return NT_SUCCESS(status) ? format_transfer(request, target, write, &data, offset, function) : status;
}

static NTSTATUS NTAPI format_read(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request, WDFMEMORY memory,
				  PWDFMEMORY_OFFSET offsets, PLONGLONG offset)
{
	(void)globals;
	return transfer(target, request, false, memory, offsets, offset, "WdfIoTargetFormatRequestForRead");
}

static NTSTATUS NTAPI format_write(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request,
				   WDFMEMORY memory, PWDFMEMORY_OFFSET offsets, PLONGLONG offset)
{
	(void)globals;
	return transfer(target, request, true, memory, offsets, offset, "WdfIoTargetFormatRequestForWrite");
}

static NTSTATUS control(WDFIOTARGET target_handle, WDFREQUEST handle, UCHAR major, ULONG code, WDFMEMORY in_memory,
			PWDFMEMORY_OFFSET in_offsets, WDFMEMORY out_memory, PWDFMEMORY_OFFSET out_offsets,
			const char *function)
{
	struct us_wdf_io_target *target = us_wdf_from(target_handle, &us_wdf_io_target_type);
	struct us_wdf_request *request = us_wdf_request_of(handle, function, true);
	struct data in, out;
	NTSTATUS status = of_memory(in_memory, in_offsets, &in);

	if (NT_SUCCESS(status))
		status = of_memory(out_memory, out_offsets, &out);
	return NT_SUCCESS(status) ? format_control(request, target, major, code, &in, &out, function) : status;
}

static NTSTATUS NTAPI format_ioctl(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request, ULONG code,
				   WDFMEMORY in, PWDFMEMORY_OFFSET in_offsets, WDFMEMORY out,
				   PWDFMEMORY_OFFSET out_offsets)
{
	(void)globals;
	return control(target, request, IRP_MJ_DEVICE_CONTROL, code, in, in_offsets, out, out_offsets,
		       "WdfIoTargetFormatRequestForIoctl");
}

static NTSTATUS NTAPI format_internal(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request, ULONG code,
				      WDFMEMORY in, PWDFMEMORY_OFFSET in_offsets, WDFMEMORY out,
				      PWDFMEMORY_OFFSET out_offsets)
{
	(void)globals;
	return control(target, request, IRP_MJ_INTERNAL_DEVICE_CONTROL, code, in, in_offsets, out, out_offsets,
		       "WdfIoTargetFormatRequestForInternalIoctl");
}

/* -- sending and waiting ------------------------------------------------------------------------------------------ */

/* What is to be sent, if not NULL: a transfer or a control code. */
struct job {
	UCHAR major;
	ULONG code;
	struct data in, out;
	PLONGLONG offset;
	const char *function;
};

static NTSTATUS format_job(struct us_wdf_request *request, struct us_wdf_io_target *target, const struct job *job)
{
	if (job->major == IRP_MJ_READ || job->major == IRP_MJ_WRITE)
		return format_transfer(request, target, job->major == IRP_MJ_WRITE,
				       job->major == IRP_MJ_WRITE ? &job->in : &job->out, job->offset, job->function);
	return format_control(request, target, job->major, job->code, &job->in, &job->out, job->function);
}

/* In the driver's request, or, where that gives none, in one of our own. */
static NTSTATUS send_job(WDFIOTARGET target_handle, WDFREQUEST handle, const struct job *job,
			 PWDF_REQUEST_SEND_OPTIONS given, PULONG_PTR bytes)
{
	struct us_wdf_io_target *target = us_wdf_from(target_handle, &us_wdf_io_target_type);
	struct us_wdf_request *request = handle ? us_wdf_request_of(handle, job->function, true) : NULL;
	WDF_REQUEST_SEND_OPTIONS options;
	NTSTATUS status = STATUS_SUCCESS;

	if (bytes)
		*bytes = 0;
	if (given && !us_wdf_sized(given))
		return STATUS_INFO_LENGTH_MISMATCH;
	WDF_REQUEST_SEND_OPTIONS_INIT(&options, (given ? given->Flags : 0) | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
	options.Timeout = given ? given->Timeout : 0;
	if (!request) {
		status = us_wdf_create(&us_wdf_request_type, NULL, &target->object, &request);
		if (!NT_SUCCESS(status))
			return status;
		request->owner = US_REQUEST_CREATED;
	}
	status = format_job(request, target, job);
	if (NT_SUCCESS(status)) {
		us_wdf_send(request, target, &options);
		status = request->send.status;
		if (bytes)
			*bytes = request->send.params.IoStatus.Information;
	}
	if (handle)
		us_wdf_send_restore(request);
	else
		us_wdf_delete(&request->object);
	return status;
}

static NTSTATUS NTAPI send_read(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request,
				PWDF_MEMORY_DESCRIPTOR out, PLONGLONG offset, PWDF_REQUEST_SEND_OPTIONS options,
				PULONG_PTR bytes)
{
	struct job job = {.major = IRP_MJ_READ, .offset = offset, .function = "WdfIoTargetSendReadSynchronously"};
	NTSTATUS status = of_descriptor(out, &job.out);

	(void)globals;
	return NT_SUCCESS(status) ? send_job(target, request, &job, options, bytes) : status;
}

static NTSTATUS NTAPI send_write(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request,
				 PWDF_MEMORY_DESCRIPTOR in, PLONGLONG offset, PWDF_REQUEST_SEND_OPTIONS options,
				 PULONG_PTR bytes)
{
	struct job job = {.major = IRP_MJ_WRITE, .offset = offset, .function = "WdfIoTargetSendWriteSynchronously"};
	NTSTATUS status = of_descriptor(in, &job.in);

	(void)globals;
	return NT_SUCCESS(status) ? send_job(target, request, &job, options, bytes) : status;
}

static NTSTATUS send_control(struct job *job, WDFIOTARGET target, WDFREQUEST request, PWDF_MEMORY_DESCRIPTOR in,
			     PWDF_MEMORY_DESCRIPTOR out, PWDF_REQUEST_SEND_OPTIONS options, PULONG_PTR bytes)
{
	NTSTATUS status = of_descriptor(in, &job->in);

	if (NT_SUCCESS(status))
		status = of_descriptor(out, &job->out);
	return NT_SUCCESS(status) ? send_job(target, request, job, options, bytes) : status;
}

static NTSTATUS NTAPI send_ioctl(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request, ULONG code,
				 PWDF_MEMORY_DESCRIPTOR in, PWDF_MEMORY_DESCRIPTOR out,
				 PWDF_REQUEST_SEND_OPTIONS options, PULONG_PTR bytes)
{
	struct job job = {
		.major = IRP_MJ_DEVICE_CONTROL, .code = code, .function = "WdfIoTargetSendIoctlSynchronously"};

	(void)globals;
	return send_control(&job, target, request, in, out, options, bytes);
}

static NTSTATUS NTAPI send_internal(PWDF_DRIVER_GLOBALS globals, WDFIOTARGET target, WDFREQUEST request, ULONG code,
				    PWDF_MEMORY_DESCRIPTOR in, PWDF_MEMORY_DESCRIPTOR out,
				    PWDF_REQUEST_SEND_OPTIONS options, PULONG_PTR bytes)
{
	struct job job = {.major = IRP_MJ_INTERNAL_DEVICE_CONTROL,
			  .code = code,
			  .function = "WdfIoTargetSendInternalIoctlSynchronously"};

	(void)globals;
	return send_control(&job, target, request, in, out, options, bytes);
}

void us_wdf_target_format_functions(struct _WDF_FUNCTIONS *table)
{
	table->WdfIoTargetFormatRequestForRead = format_read;
	table->WdfIoTargetFormatRequestForWrite = format_write;
	table->WdfIoTargetFormatRequestForIoctl = format_ioctl;
	table->WdfIoTargetFormatRequestForInternalIoctl = format_internal;
	table->WdfIoTargetSendReadSynchronously = send_read;
	table->WdfIoTargetSendWriteSynchronously = send_write;
	table->WdfIoTargetSendIoctlSynchronously = send_ioctl;
	table->WdfIoTargetSendInternalIoctlSynchronously = send_internal;
}
