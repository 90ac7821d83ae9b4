#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A driver file is what the kernel's loader takes, and imports nothing but what is allowed.

usage: binaries.py SOURCE_ROOT ARCH=DRIVER...
"""

import pathlib
import re
import struct
import sys
import tempfile

import pe
from tap import Tap

NATIVE = 1
HIGH_ENTROPY, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100
RELOCATIONS_STRIPPED, EXECUTABLE, LARGE_ADDRESSES, DLL = 0x1, 0x2, 0x20, 0x2000
EXCEPTIONS, RELOCATIONS, TLS = 3, 5, 9
STACK = 1024 + 8 * 8  # bytes for one function's variables and registers; -Wframe-larger-than says the first half of it
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
        functions = image.functions()
        deep = [f"{address:#x} takes {stack}" for address, stack, _, _ in functions if stack > STACK]
        yield functions and not deep, "no function takes much stack", deep
        varies = [hex(address) for address, _, varying, _ in functions if varying]
        yield not varies, "no function takes stack by need", varies
    both = [s.name for s in image.sections if s.flags & pe.EXECUTE and s.flags & pe.WRITE]
    yield not both, "no section is both writable and executable", both
    constants = [s for s in image.sections if s.name == ".rdata"]
    yield constants and not constants[0].flags & (pe.WRITE | pe.EXECUTE), "constants can not be written", constants
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


def stack_code(image):
    """Where in the file the function with the most stack says how much (in units of 8)."""
    _, _, _, offset = max(image.functions(), key=lambda function: function[1])
    codes = image.bytes[offset + 4 : offset + 4 + 2 * image.bytes[offset + 2]]
    return offset + 4 + next(i for i in range(0, len(codes), 2) if codes[i + 1] == 0x01) + 2


def changes(image):
    """(offset, bytes, the sentence that must not hold any more)"""
    text = next(i for i, section in enumerate(image.sections) if section.name == ".text")
    name = image.directories_at + 16 * 8 + 40 * text
    constants = next(i for i, section in enumerate(image.sections) if section.name == ".rdata")
    optional, data = image.optional, image.bytes
    yield image.header + 4, b"\x64\xaa", f"the machine is {image.machine}"
    yield image.header + 22, bytes([image.flags & 0xFF | RELOCATIONS_STRIPPED]), "it has relocations"
    yield image.header + 23, bytes([image.flags >> 8 | DLL >> 8]), "it is an executable, no library"
    yield optional + 16, struct.pack("<I", image.directory(1)[0]), "the entry point is in code"
    yield optional + 32, struct.pack("<I", 0x200), "sections are page-aligned"
    yield optional + 48, struct.pack("<H", 6), "it asks for Windows 10"
    yield optional + 64, bytes([data[optional + 64] ^ 1]), "the checksum is right"
    yield optional + 68, b"\3", "the subsystem is native"
    yield optional + 70, bytes([data[optional + 70] & ~DYNAMIC_BASE]), "it may be loaded anywhere"
    yield optional + 71, b"\0", "data is not executable"
    yield image.directories_at + 8 * RELOCATIONS, bytes(8), "it has relocations"
    yield image.directories_at + 8 * TLS, b"\1", "there is no thread-local storage"
    yield name, b".init", "the sections have the customary names"
    yield name + 36 + 3, b"\xe0", "no section is both writable and executable"
    yield name + 40 * (constants - text) + 36 + 3, b"\xc0", "constants can not be written"
    yield data.index(b"MmMapIoSpace"), b"X", "it imports only what lib/*.def lists, undecorated"
    yield data.index(b"MmMapIoSpace"), b"ExAllocatePool2\0", "it imports only what lib/*.def lists, undecorated"
    yield data.index(b"WdfVersionUnbind") + 16, b"X", "it binds to the framework and unbinds"
    if image.machine == "x64":
        yield optional + 70, bytes([data[optional + 70] & ~HIGH_ENTROPY]), "anywhere in 64 bits"
        yield image.directories_at + 8 * EXCEPTIONS, bytes(8), "the kernel can unwind its stack"
        yield stack_code(image), struct.pack("<H", 0x2000 // 8), "no function takes much stack"
        yield image.functions()[0][3] + 3, b"\x05", "no function takes stack by need"


def check_the_check(path):
    """Each change to a good file is noticed, and by the right sentence."""
    image = pe.Image(path)
    arch = image.machine
    for offset, value, sentence in changes(image):
        with tempfile.NamedTemporaryFile() as changed:
            changed.write(image.bytes[:offset] + value + image.bytes[offset + len(value) :])
            changed.flush()
            broken = [s for holds, s, _ in findings(arch, changed.name) if not holds]
        tap.ok(sentence in broken, f"{arch}: it would be noticed if not: {sentence}", broken)


files = dict(argument.split("=", 1) for argument in sys.argv[2:])
for architecture, file in files.items():
    check(architecture, pathlib.Path(file))
    if b"MmMapIoSpace" in pathlib.Path(file).read_bytes():
        check_the_check(file)
tap.done()
