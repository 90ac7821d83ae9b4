#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Structures that a driver shares with Windows and with applications are laid out as Windows has them: layout.c.

usage: layout.py SOURCE_ROOT ARCH=COMPILER... -- FLAGS
"""

import pathlib
import subprocess
import sys
import tempfile

from tap import Tap

split = sys.argv.index("--")
root, flags = pathlib.Path(sys.argv[1]), sys.argv[split + 1 :]
tap = Tap()

# What aligns 64-bit members in another way, and what has to notice.
OTHERWISE, ASSERTION = "-fpack-struct=4", "alignment of 64-bit members"


def complaints(compiler, *more):
    with tempfile.TemporaryDirectory() as folder:
        command = [compiler, *flags, *more, "-I", root / "drivers/windows/crypto",
                   "-c", root / "tests/windows/layout.c", "-o", f"{folder}/layout.o"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr


for arch, compiler in (argument.split("=", 1) for argument in sys.argv[2:split]):
    found = complaints(compiler)
    tap.ok(not found, f"{arch}: structures are as Windows has them", found)
    found = complaints(compiler, OTHERWISE)
    tap.ok(ASSERTION in found, f"{arch}: it would be noticed if not", found)
tap.done()
