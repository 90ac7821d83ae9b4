#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must not be built into a driver is not built: functions that an older Windows lacks, large stack frames.
mingw-w64's import libraries are of a Windows older than 10, so what is in them is in every Windows 10.

usage: limits.py SOURCE_ROOT ARCH=COMPILER... -- FLAGS
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from tap import Tap

split = sys.argv.index("--")
root, flags = pathlib.Path(sys.argv[1]), sys.argv[split + 1 :]
compilers = dict(argument.split("=", 1) for argument in sys.argv[2:split])
tap = Tap()


def exported(arch, library):
    """The names in the compiler's import library, as x86 decorates them."""
    path = subprocess.run([compilers[arch], f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    nm = re.sub("gcc$", "nm", compilers[arch])
    symbols = subprocess.run([nm, path.stdout.strip()], capture_output=True, text=True, check=False).stdout
    names = re.findall(r" T (\S+)$", symbols, re.M)
    return {name.removeprefix("_") for name in names} if arch == "x86" else set(names)


def lacking(arch, text, names):
    """Of a definition file, what is not in `names`, with the bytes of its arguments on x86."""
    lines = re.findall(r"^(\w+)(@\d+)?( ; x86)?$", text.split("EXPORTS\n")[1], re.M)
    wanted = [name + size if arch == "x86" else name for name, size, only in lines if arch == "x86" or not only]
    return [name for name in wanted if name not in names]


for definition, library in (("ntoskrnl.def", "libntoskrnl.a"), ("hal.def", "libhal.a")):
    text = (root / "drivers/windows/lib" / definition).read_text()
    for arch in compilers:
        names = exported(arch, library)
        lacks = lacking(arch, text, names)
        tap.ok(len(names) > 50 and not lacks, f"{definition}: {arch} Windows had all of it before version 10", lacks)
        lacks = lacking(arch, text + "ExAllocatePool2@24\n", names)
        tap.ok(len(lacks) == 1, f"{definition}: for {arch} it would be noticed if not", lacks)
text = (root / "drivers/windows/lib/ntoskrnl.def").read_text().replace("MmMapIoSpace@16", "MmMapIoSpace@12")
tap.ok(lacking("x86", text, exported("x86", "libntoskrnl.a")) == ["MmMapIoSpace@12"],
       "a wrong number of argument bytes on x86 would be noticed")

BEGIN = "int use(char *p); int f(int n); int f(int n) { "
PROGRAMS = {
    "a small frame": (BEGIN + "char a[64]; return use(a) + n; }", None),
    "a frame of more than 1 KiB": (BEGIN + "char a[1100]; return use(a) + n; }", "frame-larger-than"),
    "an array whose size is known at run time only": (BEGIN + "char a[n]; return use(a); }", "=vla"),
    "memory from the stack": (BEGIN + "return use(__builtin_alloca(n)); }", "=alloca"),
}
with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder) / "a.c"
    for name, (program, error) in PROGRAMS.items():
        source.write_text(program)
        for arch, compiler in compilers.items():
            command = [compiler, *flags, "-c", source, "-o", f"{folder}/a.o"]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if error is None:
                tap.ok(result.returncode == 0, f"{name} compiles for {arch}", result.stderr)
            else:
                tap.ok(result.returncode and re.search(error, result.stderr), f"{name} does not compile for {arch}",
                       result.stderr)

tap.done()
