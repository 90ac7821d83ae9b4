/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int us_vm_beside(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n < 0 ? 0 : n] = '\0';
	for (int i = 0; i < 2 && strrchr(self, '/'); i++) /* the file and its folder */
		*strrchr(self, '/') = '\0';
	if (snprintf(path, PATH_MAX, "%s/%s", self, name) < PATH_MAX)
		return 0;
	path[0] = '\0';
	return -ENAMETOOLONG;
}

int us_vm_tool(const char *name, char path[PATH_MAX])
{
	const char *tools = getenv("UNDERSTUDY_TOOLS");
	char below[256];

	if (!tools) {
		snprintf(below, sizeof below, "build-tools/%s", name);
		return us_vm_beside(below, path);
	}
	if (snprintf(path, PATH_MAX, "%s/%s", tools, name) < PATH_MAX)
		return 0;
	path[0] = '\0';
	return -ENAMETOOLONG;
}

/* Does this program start, and know the device? QEMU then says so by the exit status of its help. */
static bool suitable(const char *qemu)
{
	char *argv[] = {(char *)(uintptr_t)qemu, (char[]){"-device"}, (char[]){"vfio-user-pci,help"}, NULL};
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (!posix_spawnp(&pid, qemu, &actions, NULL, argv, environ))
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&actions);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

int us_vm_find_qemu(const char *asked, char path[PATH_MAX], struct us_error *err)
{
	const char *in_environment = getenv("UNDERSTUDY_QEMU");
	const char *named = asked ? asked : in_environment;

	snprintf(path, PATH_MAX, "%s", named ? named : "qemu-system-x86_64");
	if (suitable(path))
		return 0;
	if (named)
		return us_fail(err, -ENOENT,
			       "'%s', named by %s, is no QEMU with the device vfio-user-pci, which came with QEMU 10.1",
			       named, asked ? "--qemu" : "UNDERSTUDY_QEMU");
	if (!us_vm_tool("bin/qemu-system-x86_64", path) && suitable(path))
		return 0;
	snprintf(path, PATH_MAX, "qemu-system-x86_64");
	return us_fail(err, -ENOENT,
		       "no QEMU with the device vfio-user-pci found, neither as qemu-system-x86_64 in PATH nor where "
		       "'tools/setup' puts one: install QEMU 10.1 or later, or name one with --qemu or UNDERSTUDY_QEMU");
}

/* Adds an option whose argument is JSON. Steals `object`. */
static void add_json(struct us_list *command, const char *option, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text) {
		command->failed = true;
		return;
	}
	us_list_add(command, "%s", option);
	us_list_add(command, "%s", text);
	free(text);
}

/* A root port each: a PCI Express function behind its own port can be reset and unplugged, and is alone in its IOMMU group. */
static void add_devices(struct us_list *command, const struct us_list *sockets)
{
	for (unsigned i = 0; i < sockets->count; i++) {
		char port[32];

		snprintf(port, sizeof port, "port%u", i + 1);
		us_list_add(command, "-device");
		us_list_add(command, "pcie-root-port,id=%s,chassis=%u,slot=%u", port, i + 1, i + 1);
		add_json(command, "-device",
			 json_pack("{s:s, s:s, s:{s:s, s:s}}", "driver", "vfio-user-pci", "bus", port, "socket", "type",
				   "unix", "path", sockets->item[i]));
	}
}

/* A path inside a comma-separated option. */
static void add_chardev(struct us_list *command, const char *id, const char *folder)
{
	char doubled[2 * PATH_MAX];
	size_t n = 0;

	for (; *folder && n + 2 < sizeof doubled; folder++) {
		doubled[n++] = *folder;
		if (*folder == ',')
			doubled[n++] = ',';
	}
	doubled[n] = '\0';
	us_list_add(command, "-chardev");
	us_list_add(command, "file,id=%s,path=%s/%s", id, doubled, id);
}

/* The program's two outputs and its exit status have a port of their own each, away from the kernel's console. */
static void add_channels(struct us_list *command, const char *folder)
{
	static const char *const ports[] = {"stdout", "stderr", "status"};

	add_chardev(command, "console", folder);
	us_list_add(command, "-serial");
	us_list_add(command, "chardev:console");
	us_list_add(command, "-device");
	us_list_add(command, "virtio-serial-pci");
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		add_chardev(command, ports[i], folder);
		us_list_add(command, "-device");
		us_list_add(command, "virtserialport,chardev=%s,name=understudy.%s", ports[i], ports[i]);
	}
}

/*
 * May KVM be used, and does the processor do the work? Some virtual machines offer a KVM in software alone, which runs
 * into instructions it does not know.
 */
static bool have_kvm(void)
{
	char line[8192];
	bool found = false;
	FILE *cpu;

	if (access("/dev/kvm", R_OK | W_OK) || !(cpu = fopen("/proc/cpuinfo", "re")))
		return false;
	while (!found && fgets(line, sizeof line, cpu))
		found = !strncmp(line, "flags", 5) && (strstr(line, " vmx") || strstr(line, " svm"));
	fclose(cpu);
	return found;
}

/*
 * The machine: guest memory that can be shared, since the device's server maps it. With `iommu` and KVM the interrupt
 * controller has to be split, or the virtual IOMMU could not remap interrupts.
 */
static void add_machine(struct us_list *command, const struct us_vm *vm, bool iommu)
{
	bool kvm = vm->accel ? !strcmp(vm->accel, "kvm") : have_kvm();
	const char *cpu = kvm ? "host" : "max";

	us_list_add(command, "-machine");
	us_list_add(command, "q35,accel=%s,memory-backend=memory%s", kvm ? "kvm" : "tcg",
		    kvm && iommu ? ",kernel-irqchip=split" : "");
	us_list_add(command, "-cpu");
	us_list_add(command, "%s%s", cpu,
		    kvm && vm->windows ? ",hv-relaxed,hv-vapic,hv-time,hv-spinlocks=0x1fff" : "");
	us_list_add(command, "-smp");
	us_list_add(command, "%u", vm->cpus);
	us_list_add(command, "-m");
	us_list_add(command, "%u", vm->memory);
	us_list_add(command, "-object");
	us_list_add(command, "memory-backend-memfd,id=memory,size=%uM,share=on", vm->memory);
}

static void linux_guest(const struct us_vm *vm, const char *kernel, const char *initrd, const char *folder,
			struct us_list *command)
{
	us_list_add(command, "-nodefaults");
	us_list_add(command, "-no-reboot");
	add_machine(command, vm, true);
	us_list_add(command, "-device"); /* before the devices that are to be behind it */
	us_list_add(command, "intel-iommu,intremap=on,caching-mode=on");
	us_list_add(command, "-display");
	us_list_add(command, "none");
	us_list_add(command, "-kernel");
	us_list_add(command, "%s", kernel);
	us_list_add(command, "-initrd");
	us_list_add(command, "%s", initrd);
	us_list_add(command, "-append");
	/* Linux counts timer interrupts against a loop at boot, and panics when QEMU had to wait for a busy host. */
	us_list_add(command, "console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on%s%s", vm->append ? " " : "",
		    vm->append ? vm->append : "");
	add_devices(command, &vm->sockets);
	if (folder) {
		add_channels(command, folder);
	} else {
		us_list_add(command, "-serial");
		us_list_add(command, "mon:stdio");
	}
}

/* The format of a disk image by its first bytes, so that QEMU need not guess. */
static const char *disk_format(FILE *disk)
{
	static const struct {
		const char *magic, *format;
	} known[] = {{"QFI\xfb", "qcow2"}, {"vhdxfile", "vhdx"}, {"KDMV", "vmdk"}, {"conectix", "vpc"}};
	char start[8] = "";

	if (fread(start, 1, sizeof start, disk) == sizeof start)
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			if (!memcmp(start, known[i].magic, strlen(known[i].magic)))
				return known[i].format;
	return "raw";
}

/* A PC as Windows 10 and 11 know it without drivers of others: AHCI disk, USB tablet, VGA; and no network. */
static int windows_guest(const struct us_vm *vm, struct us_list *command, struct us_error *err)
{
	FILE *disk = fopen(vm->windows, "re");
	const char *format;

	if (!disk)
		return us_fail(err, -errno, "cannot read the disk '%s': %s", vm->windows, strerror(errno));
	format = disk_format(disk);
	fclose(disk);
	add_machine(command, vm, false);
	us_list_add(command, "-rtc");
	us_list_add(command, "base=localtime");
	us_list_add(command, "-nic");
	us_list_add(command, "none");
	us_list_add(command, "-vga");
	us_list_add(command, "std");
	us_list_add(command, "-device");
	us_list_add(command, "qemu-xhci");
	us_list_add(command, "-device");
	us_list_add(command, "usb-tablet");
	add_json(command, "-blockdev",
		 json_pack("{s:s, s:s, s:{s:s, s:s}}", "driver", format, "node-name", "disk", "file", "driver", "file",
			   "filename", vm->windows));
	us_list_add(command, "-device");
	us_list_add(command, "ide-hd,drive=disk,bus=ide.0,bootindex=1");
	add_devices(command, &vm->sockets);
	return 0;
}

int us_vm_command(const struct us_vm *vm, const char *qemu, const char *kernel, const char *initrd, const char *folder,
		  struct us_list *command, struct us_error *err)
{
	int rc = 0;

	us_list_add(command, "%s", qemu);
	if (vm->windows)
		rc = windows_guest(vm, command, err);
	else
		linux_guest(vm, kernel, initrd, folder, command);
	for (char **extra = vm->extra; extra && *extra; extra++)
		us_list_add(command, "%s", *extra);
	return rc ? rc : us_list_ok(command, err);
}

int us_vm_print(const struct us_list *command, struct us_error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

	for (size_t i = 0; i < command->count; i++) {
		const char *text = command->item[i];

		if (i)
			fputs(text[0] == '-' ? " \\\n    " : " ", stdout);
		if (*text && !text[strspn(text, plain)]) {
			fputs(text, stdout);
			continue;
		}
		putchar('\'');
		for (; *text; text++)
			if (*text == '\'')
				fputs("'\\''", stdout);
			else
				putchar(*text);
		putchar('\'');
	}
	putchar('\n');
	return fflush(stdout) ? us_fail(err, -errno, "cannot write the command: %s", strerror(errno)) : 0;
}
