#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The KMDF headers agree with the tables, on x64 and on x86.

usage: headers.py SOURCE_ROOT ARCH=COMPILER... -- FLAGS...
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Tap

arguments = sys.argv[1:]
root = pathlib.Path(arguments[0])
compilers = dict(a.split("=", 1) for a in arguments[1 : arguments.index("--")])
flags = arguments[arguments.index("--") + 1 :]
windows = root / "drivers/windows"
work = pathlib.Path(tempfile.mkdtemp())
tap = Tap()


def kmdf(*command):
    result = subprocess.run([sys.executable, windows / "kmdf.py", *command], capture_output=True, text=True, check=True)
    return result.stdout


def compiles(arch, source):
    """The compiler's complaints about a C file; empty when it compiles."""
    command = [compilers[arch], *flags, "-c", str(source), "-o", str(work / f"{arch}.o")]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def assertions(tables):
    source = work / "assertions.c"
    source.write_text(kmdf("assertions", str(tables)))
    return source


for arch in compilers:
    errors = compiles(arch, assertions(windows / "kmdf-1.15"))
    tap.ok(not errors, f"every offset, size, enumerator, index and callback agrees with the tables on {arch}", errors)

# A test that can not fail proves nothing: change one entry of each table.
SABOTAGE = [
    ("structs", "WDF_IO_QUEUE_CONFIG\tDefaultQueue\t13\t13", "WDF_IO_QUEUE_CONFIG\tDefaultQueue\t13\t12", "x86"),
    ("structs", "WDF_OBJECT_ATTRIBUTES\tsizeof\t56", "WDF_OBJECT_ATTRIBUTES\tsizeof\t64", "x64"),
    ("enums", "WdfDmaProfileScatterGather64\t4", "WdfDmaProfileScatterGather64\t5", "x64"),
    ("functions", "141\tWdfInterruptCreate", "142\tWdfInterruptCreate", "x64"),
    ("callbacks", "EVT_WDF_INTERRUPT_ISR\tBOOLEAN", "EVT_WDF_INTERRUPT_ISR\tvoid", "x86"),
]
for table, true, false, arch in SABOTAGE:
    changed = work / "changed"
    shutil.copytree(windows / "kmdf-1.15", changed)
    path = changed / f"{table}.tsv"
    text = path.read_text()
    assert text.count(true) == 1, true
    path.write_text(text.replace(true, false))
    errors = compiles(arch, assertions(changed))
    tap.ok("static assertion failed" in errors, f"'{false.expandtabs(1)}' would be noticed on {arch}", errors)
    shutil.rmtree(changed)

made = kmdf("functions") == (windows / "include/wdffuncs.h").read_text()
tap.ok(made, "wdffuncs.h is what kmdf.py makes", "run: drivers/windows/kmdf.py functions > drivers/windows/include/wdffuncs.h")

def wrong(arch, source):
    """The calls that the compiler could not prove to be never made, or its complaints."""
    command = [compilers[arch], *flags, "-g0", "-S", str(source), "-o", "-"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr.splitlines() + sorted(set(re.findall(r"\bwrong_\w+", result.stdout)))


# What no table says: two functions take their first arguments in registers on x86.
(work / "fast.c").write_text("""#include <ntddk.h>
#include <wdf.h>
PVOID context(WDFOBJECT object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type);
PVOID context(WDFOBJECT object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
	return WdfObjectGetTypedContextWorker(object, type);
}
WDFOBJECT owner(PVOID context);
WDFOBJECT owner(PVOID context)
{
	return WdfObjectContextGetObject(context);
}
""")
command = [compilers["x86"], *flags, "-g0", "-S", str(work / "fast.c"), "-o", "-"]
result = subprocess.run(command, capture_output=True, text=True, check=False)
calls = len(re.findall(r"_WdfDriverGlobals, %ecx", result.stdout))
tap.ok(calls == 2, "a context's getter and its reverse are __fastcall on x86", result.stderr + result.stdout)

initialisers = root / "tests/windows/initialisers.c"
for arch in compilers:
    found = wrong(arch, initialisers)
    tap.ok(not found, f"the initialisers set what their documentation says on {arch}", found)
(work / "sabotage.c").write_text(initialisers.read_text().replace("PowerManaged == WdfUseDefault", "PowerManaged == WdfTrue"))
found = wrong("x64", work / "sabotage.c")
tap.ok(found == ["wrong_queue_power"], "an initialiser that sets something else would be noticed", found)

shutil.rmtree(work)
tap.done()
