/* SPDX-License-Identifier: Apache-2.0 */
/* What applications do: open, read, write, control, wait, cancel, close. */
#include "nt/phys.h"
#include "nt/registry.h"
#include "nt/story.h"
#include "nt/trace.h"

/* -- files -------------------------------------------------------------------------------------------------------- */

static us_nt_handle keep_file(struct us_nt_user *user, PFILE_OBJECT object)
{
	struct us_story_file *files = us_nt_alloc((user->nfiles + 1) * sizeof(*files));

	if (user->nfiles)
		memcpy(files, user->files, user->nfiles * sizeof(*files));
	us_nt_free(user->files);
	user->files = files;
	files[user->nfiles].object = object;
	return (us_nt_handle)++user->nfiles * 4; /* handles of Windows count by four */
}

PFILE_OBJECT us_story_file(struct us_nt_user *user, us_nt_handle handle)
{
	if (handle % 4 || !handle || handle / 4 > user->nfiles || !user->files[handle / 4 - 1].object)
		us_nt_fail(user, "the handle 0x%x is not one of an open file", (unsigned)handle);
	return user->files[handle / 4 - 1].object;
}

static us_nt_handle open_string(struct us_nt_user *user, const UNICODE_STRING *name, int access, us_nt_status *status)
{
	ACCESS_MASK mask = SYNCHRONIZE | FILE_READ_ATTRIBUTES;
	PFILE_OBJECT object;

	mask |= access & US_NT_READ ? FILE_GENERIC_READ : 0;
	mask |= access & US_NT_WRITE ? FILE_GENERIC_WRITE : 0;
	us_nt_trace("note      the application opens %s", us_nt_ascii(name));
	*status = us_nt_io_create(name, mask, &object);
	return NT_SUCCESS(*status) ? keep_file(user, object) : 0;
}

us_nt_handle us_nt_open(struct us_nt_user *user, int access, us_nt_status *status)
{
	us_nt_status unused;
	UNICODE_STRING link;

	status = status ? status : &unused;
	*status = us_nt_io_first_interface(&link);
	return NT_SUCCESS(*status) ? open_string(user, &link, access, status) : 0;
}

us_nt_handle us_nt_open_name(struct us_nt_user *user, const char *name, int access, us_nt_status *status)
{
	us_nt_status unused;
	char path[256];
	UNICODE_STRING string;
	us_nt_handle handle;

	if (!name)
		return us_nt_open(user, access, status);
	snprintf(path, sizeof(path), "\\??\\%s", name);
	string = us_nt_utf16(path);
	if (!string.Buffer)
		us_nt_fail(user, "no memory for the name %s", name);
	handle = open_string(user, &string, access, status ? status : &unused);
	us_nt_pool_free(string.Buffer);
	return handle;
}

void us_nt_close(struct us_nt_user *user, us_nt_handle file)
{
	PFILE_OBJECT object = us_story_file(user, file);

	us_nt_trace("note      the application closes a file");
	user->files[file / 4 - 1].object = NULL;
	us_nt_io_cleanup(object);
	us_nt_pnp_settle(); /* a device that is gone goes for good with its last file */
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static void ended(struct us_nt_request *request)
{
	struct us_story_io *op = request->context;
	struct us_nt_io *io = op->io;

	if (op->out && op->story_out && io)
		memcpy(op->story_out, op->out, request->out_size);
	*op->link = op->next;
	if (op->next)
		op->next->link = op->link;
	op->link = NULL;
	if (io) {
		io->information = request->information;
		io->status = request->status;
	}
	if (op->waiter)
		us_nt_wake(op->waiter, STATUS_SUCCESS);
	op->waiter = NULL;
}

/* What is not in the user window gets a place there, at any 16-byte boundary, as memory of malloc() would have. */
static void *place(struct us_nt_user *user, const void *data, size_t size, bool copy)
{
	void *at;

	if (!size || us_nt_window(data) == US_WINDOW_USER)
		return NULL;
	at = us_nt_buffer(user, size, 16 * us_nt_random(US_NT_PAGE / 16));
	if (copy)
		memcpy(at, data, size);
	return at;
}

static void start(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, const struct us_nt_request *wish)
{
	PFILE_OBJECT object = us_story_file(user, file);
	struct us_story_io *op = us_nt_alloc(sizeof(*op));

	op->request = *wish;
	op->request.ended = ended;
	op->request.context = op;
	op->io = io;
	op->owner = us_nt_current();
	/* With METHOD_IN_DIRECT the second buffer is input, too, and may be constant. */
	if (wish->major != IRP_MJ_DEVICE_CONTROL || (wish->code & 3) != METHOD_IN_DIRECT)
		op->story_out = wish->out;
	op->in = place(user, wish->in, wish->in_size, true);
	/* The bytes that the driver does not write keep what they were. */
	op->out = place(user, wish->out, wish->out_size, true);
	if (op->in)
		op->request.in = op->in;
	if (op->out)
		op->request.out = op->out;
	op->next = user->ios;
	op->link = &user->ios;
	if (op->next)
		op->next->link = &op->next;
	user->ios = op;
	*io = (struct us_nt_io){.file = file, .status = STATUS_PENDING, .stage = op};
	us_nt_io_start(object, &op->request);
}

static ULONG length(struct us_nt_user *user, size_t size)
{
	if (size > UINT32_MAX)
		us_nt_fail(user, "a request of %zu bytes: Windows has 32 bits for that", size);
	return (ULONG)size;
}

void us_nt_start_control(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, uint32_t code, const void *in,
			 size_t in_size, void *out, size_t out_size)
{
	struct us_nt_request wish = {.major = IRP_MJ_DEVICE_CONTROL,
				     .code = code,
				     .in = in,
				     .in_size = length(user, in_size),
				     .out = out,
				     .out_size = length(user, out_size)};

	us_nt_trace("note      the application sends control code 0x%08x", (unsigned)code);
	start(user, io, file, &wish);
}

void us_nt_start_read(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, void *data, size_t size,
		      uint64_t offset)
{
	struct us_nt_request wish = {
		.major = IRP_MJ_READ, .out = data, .out_size = length(user, size), .offset = (LONGLONG)offset};

	us_nt_trace("note      the application reads %zu bytes", size);
	start(user, io, file, &wish);
}

void us_nt_start_write(struct us_nt_user *user, struct us_nt_io *io, us_nt_handle file, const void *data, size_t size,
		       uint64_t offset)
{
	struct us_nt_request wish = {
		.major = IRP_MJ_WRITE, .in = data, .in_size = length(user, size), .offset = (LONGLONG)offset};

	us_nt_trace("note      the application writes %zu bytes", size);
	start(user, io, file, &wish);
}

/* -- their end ---------------------------------------------------------------------------------------------------- */

static void release(struct us_nt_user *user, struct us_story_io *op)
{
	us_nt_buffer_free(user, op->in);
	us_nt_buffer_free(user, op->out);
	us_nt_free(op);
}

static const char request_ends[] = "the end of the application's request";

static bool has_ended(const void *op)
{
	return !((const struct us_story_io *)op)->link;
}

us_nt_status us_nt_wait(struct us_nt_user *user, struct us_nt_io *io, uint64_t ns)
{
	struct us_story_io *op = io->stage;

	if (!op)
		return io->status; /* was waited for before */
	if (!us_story_wait(&op->waiter, has_ended, op, ns, request_ends))
		return STATUS_TIMEOUT;
	release(user, op);
	io->stage = NULL;
	us_nt_pnp_settle();
	return io->status;
}

bool us_nt_has_ended(struct us_nt_user *user, struct us_nt_io *io)
{
	(void)user;
	us_nt_point(100);
	return !io->stage || has_ended(io->stage);
}

void us_nt_cancel(struct us_nt_user *user, struct us_nt_io *io)
{
	struct us_story_io *op = io->stage;

	(void)user;
	us_nt_trace("note      the application cancels a request");
	if (op)
		us_nt_io_cancel(&op->request);
}

static us_nt_status finish(struct us_nt_user *user, struct us_nt_io *io, uint64_t *returned)
{
	us_nt_status status = us_nt_wait(user, io, US_FOREVER);

	if (returned)
		*returned = io->information;
	return status;
}

us_nt_status us_nt_control(struct us_nt_user *user, us_nt_handle file, uint32_t code, const void *in, size_t in_size,
			   void *out, size_t out_size, uint64_t *returned)
{
	struct us_nt_io io;

	us_nt_start_control(user, &io, file, code, in, in_size, out, out_size);
	return finish(user, &io, returned);
}

us_nt_status us_nt_read(struct us_nt_user *user, us_nt_handle file, void *data, size_t size, uint64_t offset,
			uint64_t *returned)
{
	struct us_nt_io io;

	us_nt_start_read(user, &io, file, data, size, offset);
	return finish(user, &io, returned);
}

us_nt_status us_nt_write(struct us_nt_user *user, us_nt_handle file, const void *data, size_t size, uint64_t offset,
			 uint64_t *returned)
{
	struct us_nt_io io;

	us_nt_start_write(user, &io, file, data, size, offset);
	return finish(user, &io, returned);
}

/*
 * As Windows does for a process that ends: its threads' requests are cancelled and waited for, then its handles are
 * closed.
 */
void us_story_end_application(struct us_nt_user *user)
{
	struct us_story_io *op;

	/* The story has returned, and with it what it had on its stack: its status blocks and buffers. */
	for (op = user->ios; op; op = op->next)
		if (op->owner == us_nt_current())
			op->io = NULL;
	while (user->threads)
		us_nt_join(user, user->threads);
	for (size_t i = 0; i < user->nfiles; i++)
		if (user->files[i].object)
			us_nt_io_cancel_file(user->files[i].object);
	while ((op = user->ios)) {
		us_story_wait(&op->waiter, has_ended, op, US_FOREVER, request_ends);
		release(user, op);
	}
	for (size_t i = 0; i < user->nfiles; i++)
		if (user->files[i].object)
			us_nt_close(user, (us_nt_handle)(i + 1) * 4);
}
