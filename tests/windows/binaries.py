#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A driver file is what the kernel's loader takes, and imports nothing but what is allowed.

usage: binaries.py SOURCE_ROOT ARCH=DRIVER...
"""

import pathlib
import re
import sys
import tempfile

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


def findings(arch, path):
    """(whether it holds, the sentence, what was found instead) of everything that is asked of a driver file."""
    image = pe.Image(path)
    yield image.machine == arch, f"the machine is {arch}", image.machine
    yield image.subsystem == NATIVE, "the subsystem is native", image.subsystem
    yield image.subsystem_version == (10, 0), "it asks for Windows 10", image.subsystem_version
    computed = image.computed_checksum()
    yield image.checksum == computed, "the checksum is right", f"{image.checksum:#x}, computed {computed:#x}"
    yield image.flags & EXECUTABLE and not image.flags & DLL, "it is an executable, no library", hex(image.flags)
    yield image.dll_flags & NX_COMPAT, "data is not executable", hex(image.dll_flags)
    yield image.dll_flags & DYNAMIC_BASE, "it may be loaded anywhere", hex(image.dll_flags)
    relocations = image.relocations()
    yield relocations and not image.flags & RELOCATIONS_STRIPPED, "it has relocations", relocations
    if arch == "x64":
        yield image.dll_flags & HIGH_ENTROPY and image.flags & LARGE_ADDRESSES, "anywhere in 64 bits", ""
        yield image.directory(EXCEPTIONS)[1] > 0, "the kernel can unwind its stack", ""
        code = [hex(r) for r in relocations if image.section_at(r).flags & pe.EXECUTE]
        yield not code, "the loader changes no code", code
    both = [s.name for s in image.sections if s.flags & pe.EXECUTE and s.flags & pe.WRITE]
    yield not both, "no section is both writable and executable", both
    entry = image.section_at(image.entry)
    yield entry and entry.flags & pe.EXECUTE, "the entry point is in code", hex(image.entry)
    odd = [s.name for s in image.sections if s.name not in SECTIONS]
    yield not odd, "the sections have the customary names", odd
    yield image.directory(TLS) == (0, 0), "there is no thread-local storage", ""
    yield image.section_alignment == 0x1000, "sections are page-aligned", image.section_alignment

    imports, listed = image.imports(), allowed(arch)
    extra = [f"{library}!{f}" for library, names in imports.items() for f in names if f not in listed.get(library, ())]
    yield not extra, "it imports only what lib/*.def lists, undecorated", extra
    yield ({"WdfVersionBind", "WdfVersionUnbind"} == set(imports.get("WDFLDR.SYS", ())),
           "it binds to the framework and unbinds", imports)


def check(arch, path):
    for holds, sentence, found in findings(arch, path):
        tap.ok(holds, f"{path.name} for {arch}: {sentence}", found)


def check_the_check(arch, path):
    """Each change to a good file is noticed, and by the right sentence."""
    image = pe.Image(path)
    text = next(i for i, section in enumerate(image.sections) if section.name == ".text")
    section_flags = image.directories_at + 16 * 8 + 40 * text + 36
    changes = [
        (image.optional + 68, b"\3", "the subsystem is native"),
        (image.optional + 64, bytes([image.bytes[image.optional + 64] ^ 1]), "the checksum is right"),
        (image.optional + 71, b"\0", "data is not executable"),
        (image.optional + 70, b"\0", "it may be loaded anywhere"),
        (section_flags + 3, b"\xe0", "no section is both writable and executable"),
        (section_flags - 36, b".init", "the sections have the customary names"),
        (image.bytes.index(b"MmMapIoSpace"), b"X", "it imports only what lib/*.def lists, undecorated"),
        (image.bytes.index(b"WdfVersionUnbind") + 16, b"X", "it binds to the framework and unbinds"),
    ]
    for offset, value, sentence in changes:
        with tempfile.NamedTemporaryFile() as changed:
            changed.write(image.bytes[:offset] + value + image.bytes[offset + len(value) :])
            changed.flush()
            broken = [s for holds, s, _ in findings(arch, changed.name) if not holds]
        tap.ok(sentence in broken, f"it would be noticed if not: {sentence}", broken)


files = dict(argument.split("=", 1) for argument in sys.argv[2:])
for architecture, file in files.items():
    check(architecture, pathlib.Path(file))
if b"MmMapIoSpace" in pathlib.Path(files["x64"]).read_bytes():
    check_the_check("x64", files["x64"])
tap.done()
