#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Microsoft's KMDF headers become fit for GCC: tried on a few lines of our own that are as unfit (mixed/).

usage: test-overlay.py SOURCE_ROOT ARCH=COMPILER... -- FLAGS...
"""

import pathlib
import subprocess
import sys
import tempfile

from tap import Tap

arguments = sys.argv[1:]
root = pathlib.Path(arguments[0])
compilers = dict(a.split("=", 1) for a in arguments[1 : arguments.index("--")])
flags = arguments[arguments.index("--") + 1 :]
overlay = root / "drivers/windows/overlay.py"
tap = Tap()

SOURCE = """
#include <ntddk.h>
#include <wdf.h>

#define SAME(a, b) __builtin_types_compatible_p(a, b)
_Static_assert(SAME(PFN_WDFDEVICECONFIGURE, NTSTATUS(NTAPI *)(PVOID, WDF_REQUEST_TYPE)), "functions are __stdcall");
_Static_assert(SAME(PFN_WDF_REQUEST_CANCEL, void(NTAPI *)(PVOID)), "callbacks are __stdcall");
_Static_assert(SAME(PFN_GET_UNIQUE_CONTEXT_TYPE, const WDF_OBJECT_CONTEXT_TYPE_INFO *(__cdecl *)(void)), "this is not");

DECLARE_CONTEXT(description)

static EVT_WDF_REQUEST_CANCEL cancel;
PFN_WDF_REQUEST_CANCEL callback = cancel;

static void NTAPI cancel(PVOID Request)
{
	(void)Request;
}
"""

with tempfile.TemporaryDirectory() as directory:
    work = pathlib.Path(directory)
    (work / "driver.c").write_text(SOURCE)

    def compiles(arch, headers):
        command = [compilers[arch], *flags, "-isystem", str(headers), "-c", str(work / "driver.c"), "-o", str(work / "o")]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    for arch in compilers:
        tap.ok("error:" in compiles(arch, root / "tests/windows/mixed"), f"as they are they do not compile for {arch}")
    subprocess.run([sys.executable, overlay, root / "tests/windows/mixed", work / "overlay"], check=True)
    for arch in compilers:
        errors = compiles(arch, work / "overlay")
        tap.ok(not errors, f"through the overlay they do for {arch}, with the right calling conventions", errors)

    (work / "empty").mkdir()
    result = subprocess.run([sys.executable, overlay, work / "empty", work / "x"], capture_output=True, text=True, check=False)
    tap.ok(result.returncode and "is this the folder kmdf/1.15?" in result.stderr, "another folder is refused", result.stderr)

tap.done()
