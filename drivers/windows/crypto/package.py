#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs driver and tool for a Windows machine: for each architecture a folder to install from, and the sources with
their project files, to be built there with Visual Studio.

usage: package.py OUTPUT.zip CERTIFICATE CRYPTO_H ARCH=DRIVER,TOOL...
"""

import pathlib
import sys
import zipfile

here = pathlib.Path(__file__).resolve().parent
output, certificate, registers = sys.argv[1:4]
drivers = dict(argument.split("=", 1) for argument in sys.argv[4:])

# Fixed dates: the same contents make the same package.
DATE = (2026, 1, 1, 0, 0, 0)


def add(archive, name, path):
    archive.writestr(zipfile.ZipInfo(name, DATE), pathlib.Path(path).read_bytes(), zipfile.ZIP_DEFLATED)


def add_source(archive, name, path):
    """With the line ends of Windows: not all of its tools take others."""
    text = pathlib.Path(path).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    archive.writestr(zipfile.ZipInfo(f"source/{name}", DATE), text, zipfile.ZIP_DEFLATED)


with zipfile.ZipFile(output, "w") as archive:
    for arch, programs in drivers.items():
        driver, tool = programs.split(",")
        add(archive, f"{arch}/crypto.sys", driver)
        add(archive, f"{arch}/crypto.inf", here / "crypto.inf")
        add(archive, f"{arch}/test.cer", certificate)
        add(archive, f"{arch}/cryptoctl.exe", tool)
    for path in sorted(here.iterdir()) + sorted((here / "tool").iterdir()):
        if path.suffix in (".c", ".h", ".rc", ".mc", ".inf", ".sln", ".vcxproj"):
            add_source(archive, path.relative_to(here), path)
    add_source(archive, "crypto.h", registers)
