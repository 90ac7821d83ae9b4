/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/vm.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* With --run the exit status is the program's, so that ours need others: those that timeout(1) and env(1) use. */
enum { EXIT_TIMED_OUT = 124, EXIT_NO_GUEST = 125 };

enum { OPT_SOCKET = 256, OPT_WINDOWS, OPT_KERNEL, OPT_INITRD, OPT_APPEND, OPT_RUN, OPT_ADD, OPT_MEMORY, OPT_CPUS,
       OPT_TIMEOUT, OPT_QEMU, OPT_ACCEL, OPT_KEEP, OPT_DRY_RUN, OPT_VERBOSE, OPT_HELP };

static const struct option options[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"windows", required_argument, NULL, OPT_WINDOWS},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"initrd", required_argument, NULL, OPT_INITRD},
	{"append", required_argument, NULL, OPT_APPEND},
	{"run", required_argument, NULL, OPT_RUN},
	{"add", required_argument, NULL, OPT_ADD},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"qemu", required_argument, NULL, OPT_QEMU},
	{"accel", required_argument, NULL, OPT_ACCEL},
	{"keep", required_argument, NULL, OPT_KEEP},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"Usage: understudy vm [OPTION]... [-- QEMU-OPTION...]\n"
	"Start stock QEMU with devices that 'understudy serve' plays in it.\n\n"
	"  --socket PATH       add the device served at PATH, on a PCI Express root port of its own; may be repeated\n\n"
	"The guest is a small Linux with a shell, unless you say:\n"
	"  --run COMMAND       run COMMAND in the small Linux, and end with its exit status\n"
	"  --add FILE[:PATH]   put FILE, and the libraries it needs, into the small Linux at PATH; may be repeated\n"
	"  --kernel FILE --initrd FILE\n"
	"                      boot a Linux of your own\n"
	"  --append ARGUMENTS  more for the Linux kernel's command line; 'understudy.iommufd' gives the small Linux iommufd\n"
	"  --windows DISK      boot Windows from a disk image\n\n"
	"  --memory MIB        memory of the guest (default 512, for Windows 4096)\n"
	"  --cpus N            processors of the guest (default 2)\n"
	"  --timeout SECONDS   stop the guest after so long\n"
	"  --qemu FILE         the QEMU to use (default: $UNDERSTUDY_QEMU, else the one in PATH, else the set-up's)\n"
	"  --accel kvm|tcg     how QEMU runs the guest's code (default: KVM where the processor has it)\n"
	"  --keep FOLDER       make the temporary files in FOLDER, and leave the initramfs there\n"
	"  --dry-run           print QEMU's command, and do nothing\n"
	"  --verbose           with --run: show the guest's console on standard error\n"
	"  --help              print this\n";

static int number(const char *option, const char *text, unsigned least, unsigned most, unsigned *value,
		  struct us_error *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || n < least || n > most)
		return us_fail(err, -EINVAL, "%s takes a number from %u to %u, not '%s'", option, least, most, text);
	*value = (unsigned)n;
	return 0;
}

static int take_option(struct us_vm *vm, int option, struct us_error *err)
{
	switch (option) {
	case OPT_SOCKET:
		us_list_add(&vm->sockets, "%s", optarg);
		return us_list_ok(&vm->sockets, err);
	case OPT_ADD:
		us_list_add(&vm->files, "%s", optarg);
		return us_list_ok(&vm->files, err);
	case OPT_WINDOWS:
		vm->windows = optarg;
		return 0;
	case OPT_KERNEL:
		vm->kernel = optarg;
		return 0;
	case OPT_INITRD:
		vm->initrd = optarg;
		return 0;
	case OPT_APPEND:
		vm->append = optarg;
		return 0;
	case OPT_RUN:
		vm->run = optarg;
		return 0;
	case OPT_MEMORY:
		return number("--memory", optarg, 64, 1 << 24, &vm->memory, err);
	case OPT_CPUS:
		return number("--cpus", optarg, 1, 255, &vm->cpus, err);
	case OPT_TIMEOUT:
		return number("--timeout", optarg, 1, 1 << 24, &vm->timeout, err);
	case OPT_QEMU:
		vm->qemu = optarg;
		return 0;
	case OPT_ACCEL:
		if (strcmp(optarg, "kvm") != 0 && strcmp(optarg, "tcg") != 0)
			return us_fail(err, -EINVAL, "--accel takes kvm or tcg, not '%s'", optarg);
		vm->accel = optarg;
		return 0;
	case OPT_KEEP:
		vm->keep = optarg;
		return 0;
	case OPT_DRY_RUN:
		vm->dry_run = true;
		return 0;
	case OPT_VERBOSE:
		vm->verbose = true;
		return 0;
	default:
		return us_fail(err, -EINVAL, "see 'understudy vm --help'"); /* getopt has said what is wrong */
	}
}

/* What can not be meant together. */
static int consistent(const struct us_vm *vm, struct us_error *err)
{
	bool own = vm->kernel || vm->initrd;

	if (own && vm->windows)
		return us_fail(err, -EINVAL, "--windows and --kernel: it can be only one of them");
	if (own && !vm->initrd)
		return us_fail(err, -EINVAL, "--kernel needs --initrd: there is no disk to boot from");
	if (own && !vm->kernel)
		return us_fail(err, -EINVAL, "--initrd needs --kernel");
	if (vm->append && vm->windows)
		return us_fail(err, -EINVAL, "--append is for a Linux guest, not for --windows");
	if ((vm->run || vm->files.count) && (own || vm->windows))
		return us_fail(err, -EINVAL, "--run and --add are for the small Linux, not for a guest of your own");
	if (vm->keep && !vm->run && !vm->files.count)
		return us_fail(err, -EINVAL, "--keep without --run or --add: there would be no temporary files");
	return 0;
}

static int parse(struct us_vm *vm, int argc, char **argv, bool *help, struct us_error *err)
{
	int option, rc = 0;

	optind = 1;
	while (!rc && (option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (option == OPT_HELP)
			return *help = true, 0;
		else
			rc = take_option(vm, option, err);
	if (rc)
		return rc;
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
		return us_fail(err, -EINVAL, "'%s' is no option: QEMU's own options come after '--'", argv[optind]);
	vm->extra = argv + optind;
	if (!vm->memory)
		vm->memory = vm->windows ? 4096 : 512;
	return consistent(vm, err);
}

/* Can QEMU's options, which are JSON, say it? */
static bool is_utf8(const char *path)
{
	json_t *string = json_string(path);

	json_decref(string);
	return string;
}

/*
 * Does someone serve at this socket? Asked with a socket of the other kind, which is refused with different errors when
 * someone is there and when nobody is, and costs the server nothing: it never learns of it.
 */
static int check_socket(const char *path, bool dry_run, struct us_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, rc;

	if (strlen(path) >= sizeof address.sun_path)
		return us_fail(err, -ENAMETOOLONG, "the socket path '%s' is longer than the %zu bytes Linux allows", path,
			       sizeof address.sun_path - 1);
	if (!is_utf8(path))
		return us_fail(err, -EILSEQ, "the socket path '%s' is not UTF-8, which QEMU's options have to be", path);
	if (dry_run)
		return 0;
	if (stat(path, &st))
		return us_fail(err, -errno, "no socket '%s' (%s): start 'understudy serve DEVICE --socket %s' first", path,
			       strerror(errno), path);
	if (!S_ISSOCK(st.st_mode))
		return us_fail(err, -ENOTSOCK, "'%s' is no socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (rc == -ECONNREFUSED)
		return us_fail(err, rc, "nobody listens at '%s': start 'understudy serve DEVICE --socket %s' first", path,
			       path);
	if (rc == -EACCES)
		return us_fail(err, rc, "no permission to connect to '%s'", path);
	return 0;
}

static int check_files(const struct us_vm *vm, struct us_error *err)
{
	const char *const files[] = {vm->kernel, vm->initrd, vm->windows};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (files[i] && access(files[i], R_OK))
			return us_fail(err, -errno, "cannot read '%s': %s", files[i], strerror(errno));
	if (vm->windows && !is_utf8(vm->windows))
		return us_fail(err, -EILSEQ, "the path '%s' is not UTF-8, which QEMU's options have to be", vm->windows);
	for (size_t i = 0; i < vm->sockets.count; i++) {
		int rc = check_socket(vm->sockets.item[i], vm->dry_run, err);

		if (rc)
			return rc;
	}
	return 0;
}

/* Everything that is found, made and removed again around one run. */
struct session {
	char qemu[PATH_MAX], kernel[PATH_MAX], base[PATH_MAX], initrd[PATH_MAX];
	char folder[PATH_MAX - 16]; /* temporary files, or empty */
	bool made_folder;
	sigset_t signals; /* when made_folder: the mask before; a signal waits until the folder is removed */
	struct us_list command;
};

/* A dry run goes on where something is missing: it shows what would be run where that is there. */
static int unless_dry(const struct us_vm *vm, int rc, const struct us_error *err)
{
	if (!rc || !vm->dry_run)
		return rc;
	fprintf(stderr, "understudy vm: note: %s\n", err->text);
	return 0;
}

static int make_folder(const struct us_vm *vm, struct session *s, struct us_error *err)
{
	const char *temporary = getenv("TMPDIR");
	sigset_t end;
	int rc;

	if (vm->keep) {
		if (snprintf(s->folder, sizeof s->folder, "%s", vm->keep) >= (int)sizeof s->folder)
			return us_fail(err, -ENAMETOOLONG, "--keep: the name is too long");
		if (mkdir(s->folder, 0700) && errno != EEXIST)
			return us_fail(err, -errno, "cannot make the folder '%s': %s", s->folder, strerror(errno));
		return 0;
	}
	if (snprintf(s->folder, sizeof s->folder, "%s/understudy-vm-XXXXXX",
		     temporary && *temporary ? temporary : "/tmp") >= (int)sizeof s->folder)
		return us_fail(err, -ENAMETOOLONG, "the path in TMPDIR is too long");
	if (vm->dry_run)
		return 0;
	us_vm_end_signals(&end);
	sigprocmask(SIG_BLOCK, &end, &s->signals);
	s->made_folder = mkdtemp(s->folder);
	if (s->made_folder)
		return 0;
	rc = us_fail(err, -errno, "cannot make the folder '%s': %s", s->folder, strerror(errno));
	sigprocmask(SIG_SETMASK, &s->signals, NULL);
	return rc;
}

static int prepare(const struct us_vm *vm, struct session *s, struct us_error *err)
{
	int rc = unless_dry(vm, us_vm_find_qemu(vm->qemu, s->qemu, err), err);

	if (rc || vm->windows)
		return rc;
	if (vm->kernel) {
		snprintf(s->kernel, sizeof s->kernel, "%s", vm->kernel);
		snprintf(s->initrd, sizeof s->initrd, "%s", vm->initrd);
		return 0;
	}
	rc = unless_dry(vm, us_vm_image(s->kernel, s->base, err), err);
	if (rc)
		return rc;
	strcpy(s->initrd, s->base);
	if (!vm->run && !vm->files.count)
		return 0;
	rc = make_folder(vm, s, err);
	if (rc)
		return rc;
	snprintf(s->initrd, sizeof s->initrd, "%s/initrd", s->folder);
	if (!vm->dry_run || vm->keep)
		return us_vm_make_initrd(vm, s->base, s->initrd, err);
	fprintf(stderr, "understudy vm: note: %s is made for a run and removed after it; with --keep FOLDER it stays\n",
		s->initrd);
	return 0;
}

static void clean_up(struct session *s)
{
	if (s->made_folder) {
		unlink(s->initrd);
		rmdir(s->folder);
		sigprocmask(SIG_SETMASK, &s->signals, NULL);
	}
	us_list_free(&s->command);
}

/* The exit status; after a signal, the signal itself, as whoever started us expects. */
static int conclude(const struct us_vm *vm, const struct us_vm_result *result, const struct us_error *err)
{
	switch (result->end) {
	case US_VM_EXITED:
		return vm->run ? result->status : result->status ? US_EXIT_FAILED : US_EXIT_OK;
	case US_VM_SIGNAL:
		raise(result->status);
		return 128 + result->status;
	default:
		fprintf(stderr, "understudy vm: %s\n", err->text);
		return result->end == US_VM_TIMEOUT ? EXIT_TIMED_OUT : EXIT_NO_GUEST;
	}
}

static int play(const struct us_vm *vm, struct us_error *err)
{
	struct us_vm_result result;
	struct session s = {0};
	const char *folder;
	int rc = prepare(vm, &s, err);

	folder = vm->run ? s.folder : NULL;
	if (!rc)
		rc = us_vm_command(vm, s.qemu, s.kernel, s.initrd, folder, &s.command, err);
	if (!rc && vm->dry_run)
		rc = us_vm_print(&s.command, err);
	else if (!rc)
		rc = us_vm_run(&s.command, folder, vm->timeout, vm->verbose, &result, err);
	clean_up(&s);
	if (!rc)
		return vm->dry_run ? US_EXIT_OK : conclude(vm, &result, err);
	fprintf(stderr, "understudy vm: %s\n", err->text);
	return vm->run ? EXIT_NO_GUEST : US_EXIT_FAILED;
}

int us_cli_vm(int argc, char **argv)
{
	struct us_vm vm = {.cpus = 2};
	struct us_error err = {0};
	bool help = false;
	int status = US_EXIT_USAGE;

	if (parse(&vm, argc, argv, &help, &err)) {
		fprintf(stderr, "understudy vm: %s\n", err.text);
	} else if (help) {
		fputs(usage, stdout);
		status = US_EXIT_OK;
	} else if (check_files(&vm, &err)) {
		fprintf(stderr, "understudy vm: %s\n", err.text);
		status = vm.run ? EXIT_NO_GUEST : US_EXIT_FAILED;
	} else {
		status = play(&vm, &err);
	}
	us_list_free(&vm.sockets);
	us_list_free(&vm.files);
	return status;
}
