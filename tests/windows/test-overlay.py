#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Microsoft's KMDF headers become fit for GCC: tried on a few lines of our own that are as unfit (mixed/).

usage: test-overlay.py SOURCE_ROOT ARCH=COMPILER... -- FLAGS...
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from tap import Tap

arguments = sys.argv[1:]
root = pathlib.Path(arguments[0])
compilers = dict(a.split("=", 1) for a in arguments[1 : arguments.index("--")])
flags = arguments[arguments.index("--") + 1 :]
mixed = root / "tests/windows/mixed"
tap = Tap()

# What a driver does with them, compiled with the flags that drivers are compiled with.
SOURCE = """
#include <ntddk.h>
#include <wdf.h>

#ifdef __inline
#error __inline is no annotation
#endif

#define SAME(a, b) __builtin_types_compatible_p(a, b)
_Static_assert(SAME(PFN_WDFDEVICECONFIGURE, NTSTATUS(NTAPI *)(PVOID, WDF_REQUEST_TYPE)), "functions are __stdcall");
_Static_assert(SAME(PFN_WDF_REQUEST_CANCEL, void(NTAPI *)(PVOID)), "callbacks are __stdcall");
_Static_assert(SAME(PFN_GET_UNIQUE_CONTEXT_TYPE, const WDF_OBJECT_CONTEXT_TYPE_INFO *(__cdecl *)(void)), "this is not");
_Static_assert(SAME(PFN_FAST, PVOID(__fastcall *)(PVOID, PVOID)), "nor is this");
_Static_assert(__builtin_offsetof(WDF_ALIGNED, Group) == 8, "members are aligned");

typedef struct {
	ULONG member;
} CONTEXT_OF_MINE;

DECLARE_CONTEXT(CONTEXT_OF_MINE, mine)

static EVT_WDF_REQUEST_CANCEL cancel;
PFN_WDF_REQUEST_CANCEL callback = cancel;
PINTERFACE_REFERENCE reference = WdfDeviceInterfaceReferenceNoOp;
PINTERFACE_DEREFERENCE dereference = WdfDeviceInterfaceDereferenceNoOp;
ULONG member(PVOID object);

static void NTAPI cancel(PVOID Request)
{
	(void)Request;
	CHECKED(sizeof(CONTEXT_OF_MINE) == 4);
	NAMED();
}

ULONG member(PVOID object)
{
	return mine(object)->member;
}
"""


def fit(source, output):
    """Runs the overlay: its exit status and what it says."""
    command = [sys.executable, root / "drivers/windows/overlay.py", source, output]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stderr


with tempfile.TemporaryDirectory() as directory:
    work = pathlib.Path(directory)
    (work / "driver.c").write_text(SOURCE)

    def compiles(arch, headers):
        command = [compilers[arch], *flags, "-isystem", headers, "-c", work / "driver.c", "-o", work / "o"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    def copy(name):
        """The headers in a folder of their own, to be spoiled there."""
        return pathlib.Path(shutil.copytree(mixed, work / name))

    for arch in compilers:
        tap.ok("error:" in compiles(arch, mixed), f"as they are they do not compile for {arch}")
    status, said = fit(mixed, work / "overlay")
    tap.ok(status == 0 and not said, "they are made fit without a word", said)
    for arch in compilers:
        errors = compiles(arch, work / "overlay")
        tap.ok(not errors, f"through the overlay they compile for {arch}, with the right calling conventions", errors)

    kits = copy("Windows Kits (x86)/kmdf/1.15")
    for path in kits.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    status, said = fit(kits, work / "of Windows")
    errors = said or compiles("x64", work / "of Windows")
    tap.ok(not errors, "in a folder with spaces, with line ends and byte order marks of Windows, they do too", errors)

    before = (work / "overlay/wdf.h").stat().st_mtime_ns
    fit(mixed, work / "overlay")
    tap.ok((work / "overlay/wdf.h").stat().st_mtime_ns == before, "made again they are not written again")

    def refused(source, sentence, what):
        status, said = fit(source, work / "nothing")
        tap.ok(status == 1 and sentence in said and not (work / "nothing").exists(), what, said)

    refused(work / "away", f"WDF_INCLUDE={work / 'away'}: there is no such folder.", "what is not there is refused")
    refused(work / "driver.c", "there is no such folder.", "a file is refused")
    (work / "empty").mkdir()
    refused(work / "empty", "no wdf.h; give the folder kmdf/1.15 of a", "an empty folder is refused")
    above = kits.parent.parent
    refused(above, f"no wdf.h; give the folder {kits}.", "one above is refused: the right one is named")

    newer = copy("newer")
    (newer / "wdf.h").write_text((mixed / "wdf.h").read_text().replace("WdfFunctions_01015", "WdfFunctions_01031"))
    refused(newer, "it is for KMDF 1.31, and the drivers are for 1.15;", "another version is refused")
    (newer / "wdf.h").write_text((mixed / "wdf.h").read_text().replace("WdfFunctions_01015", "Functions"))
    refused(newer, "it is for another framework,", "so is another framework")
    part = copy("part")
    (part / "wdfobject.h").unlink()
    (part / "wdftypes.h").unlink()
    refused(part, "it lacks wdfobject.h, wdftypes.h, which wdf.h needs;", "a folder that is not complete is refused")
    changed = copy("changed")
    (changed / "WDFREQUEST.H").write_text("enum _WDF_REQUEST_TYPE;\n")
    refused(changed, "does not define WDF_REQUEST_TYPE", "so is one with other contents")

tap.done()
