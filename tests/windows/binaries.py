#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A driver file is what the kernel's loader takes, and imports nothing but what is allowed.

usage: binaries.py SOURCE_ROOT ARCH=DRIVER...
"""

import pathlib
import re
import sys

import pe
from tap import Tap

NATIVE = 1
HIGH_ENTROPY, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100
RELOCATIONS_STRIPPED, EXECUTABLE, LARGE_ADDRESSES, DLL = 0x1, 0x2, 0x20, 0x2000
EXCEPTIONS, RELOCATIONS, TLS = 3, 5, 9
SECTIONS = {".text", ".data", ".rdata", ".buildid", ".pdata", ".xdata", ".bss", ".idata", ".rsrc", ".reloc"}

root = pathlib.Path(sys.argv[1])
tap = Tap()


def allowed(arch):
    """{library: names} of the definition files, which are the list of what may be imported."""
    result = {}
    for path in (root / "drivers/windows/lib").glob("*.def"):
        head, exports = path.read_text().split("EXPORTS\n")
        library = re.search(r"^LIBRARY (\S+)$", head, re.M).group(1)
        lines = [line for line in exports.splitlines() if arch == "x86" or not line.endswith("; x86")]
        result[library] = {re.match(r"\w+", line).group() for line in lines}
    return result


def check(arch, path):
    image = pe.Image(path)
    name = f"{path.name} for {arch}"
    tap.ok(image.machine == arch, f"{name}: the machine is {arch}", image.machine)
    tap.ok(image.subsystem == NATIVE, f"{name}: the subsystem is native", image.subsystem)
    tap.ok(image.subsystem_version == (10, 0), f"{name}: it asks for Windows 10", image.subsystem_version)
    tap.ok(image.checksum == image.computed_checksum(), f"{name}: the checksum is right",
           f"{image.checksum:#x}, computed {image.computed_checksum():#x}")
    tap.ok(image.flags & EXECUTABLE and not image.flags & DLL, f"{name}: it is an executable, no library")
    tap.ok(image.dll_flags & NX_COMPAT, f"{name}: data is not executable")
    tap.ok(image.dll_flags & DYNAMIC_BASE, f"{name}: it may be loaded anywhere")
    if arch == "x64":
        tap.ok(image.dll_flags & HIGH_ENTROPY and image.flags & LARGE_ADDRESSES, f"{name}: anywhere in 64 bits")
        tap.ok(image.directory(EXCEPTIONS)[1] > 0, f"{name}: the kernel can unwind its stack")
    relocations = image.relocations()
    tap.ok(relocations and not image.flags & RELOCATIONS_STRIPPED, f"{name}: it has relocations")
    code = [r for r in relocations if image.section_at(r).flags & pe.EXECUTE]
    tap.ok(arch == "x86" or not code, f"{name}: no relocation is in x64 code", code)
    both = [s.name for s in image.sections if s.flags & pe.EXECUTE and s.flags & pe.WRITE]
    tap.ok(not both, f"{name}: no section is both writable and executable", both)
    entry = image.section_at(image.entry)
    tap.ok(entry and entry.flags & pe.EXECUTE, f"{name}: the entry point is in code")
    odd = [s.name for s in image.sections if s.name not in SECTIONS]
    tap.ok(not odd, f"{name}: the sections have the customary names", odd)
    tap.ok(image.directory(TLS) == (0, 0), f"{name}: there is no thread-local storage")
    tap.ok(image.section_alignment == 0x1000, f"{name}: sections are page-aligned", image.section_alignment)

    imports, list_ = image.imports(), allowed(arch)
    extra = [f"{lib}!{f}" for lib, names in imports.items() for f in names if f not in list_.get(lib, ())]
    tap.ok(not extra, f"{name}: it imports only what lib/*.def lists, undecorated", extra)
    tap.ok({"WdfVersionBind", "WdfVersionUnbind"} == set(imports.get("WDFLDR.SYS", ())),
           f"{name}: it binds to the framework and unbinds", imports)


for argument in sys.argv[2:]:
    architecture, file = argument.split("=", 1)
    check(architecture, pathlib.Path(file))
tap.done()
