#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""installation.py notices what it is there to notice: each change to the sources breaks the sentence that speaks of it.

usage: test-installation.py SOURCE_ROOT CRYPTO_H CERTIFICATE PACKAGE.zip ARCH=SIGNED_DRIVER,SIGNED_TOOL...
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

from tap import Tap

here = pathlib.Path(__file__).resolve().parent
root, registers_h, certificate, package = map(pathlib.Path, sys.argv[1:5])
programs = sys.argv[5:]
tap = Tap()

INF, PROJECT, TOOL = "crypto.inf", "crypto.vcxproj", "tool/cryptoctl.vcxproj"
CHANGES = [  # file, what is in it, what is put there, the sentence that has to fail
    (INF, "\r\n", "\n", "the INF has the line ends of Windows"),
    (INF, "PnpLockdown = 1", "PnpLockdown = 0", "it says what it is, and locks its files against others"),
    (INF, "{268C95A1", "{268C95A2", "the class is the system's for accelerators"),
    (INF, ", NTx86.10.0...16299, NTx86.10.0", "", "64- and 32-bit Windows are targets"),
    (INF, "NTx86.10.0\r\n", "NTx86.6.1\r\n", "Windows 10 and later only"),
    (INF, "DEV_C0DE", "DEV_C0DF", "the hardware ID is that of the specification"),
    (INF, "[Crypto.Files.Store]\r\ncrypto.sys", "[Crypto.Files.Store]\r\ncrypt.sys", "the driver is copied"),
    (INF, r'"%13%\crypto.sys"', r'"%13%\crypt.sys"', "the driver has the texts of its events"),
    (INF, r"ServiceBinary = %13%", r"ServiceBinary = %12%", "the service is started from there"),
    (INF, "Crypto.Files.Store  = 13", "Crypto.Files.Store  = 12", "it runs from the driver store"),
    (INF, "StartType     = 3", "StartType     = 2", "a kernel driver, started for the device, is its function driver"),
    (INF, "KmdfService = understudy_crypto", "KmdfService = crypto", "the framework is told of the same service"),
    (INF, "KmdfLibraryVersion = 1.15", "KmdfLibraryVersion = 1.31", "the framework's version is the one"),
    (INF, "CopyFiles = Crypto.Files.System", "CopyFiles = Crypto.Files.Store", "it runs from the drivers folder"),
    (INF, "AddReg = Crypto.Interrupts, Crypto.Security", "AddReg = Crypto.Interrupts, Crypto.Safety",
     "every section that is named is there"),
    (INF, "AddReg = Crypto.Interrupts, Crypto.Security", "AddReg = Crypto.Security",
     "every section that is there is used"),
    (INF, "MessageNumberLimit, 0x00010001, 4", "MessageNumberLimit, 0x00010001, 8", "as many messages are asked for"),
    (INF, "MSISupported, 0x00010001, 1", "MSISupported, 0x00010001, 0", "messages are allowed"),
    (INF, '"D:P(A', '"D:(A', "the device's security is set, and not inherited"),
    (INF, "(A;;GR;;;IU)", "(A;;GA;;;IU)", "users may use the device, only administrators reset it"),
    (INF, ",1.0.0.0", ",1.0.1.0", "DriverVer is the driver's version"),
    ("version.h", "DRIVER_MINOR 0", "DRIVER_MINOR 1", "the version resource of crypto-x64-signed.sys says so too"),
    ("version.h", "DRIVER_MINOR 0", "DRIVER_MINOR 1", "the version resource of cryptoctl-x86-signed.exe says so too"),
    ("events.mc", "%1: the device does not", "%1: the card does not",
     "the texts of all events are in the driver for x86"),
    (PROJECT, '<ClCompile Include="dma.c" />', "", "crypto.vcxproj lists every source"),
    (PROJECT, "<ProjectGuid>{9", "<ProjectGuid>{8", "and the solution names it"),
    (PROJECT, "<TimeStamp>1.0.0.0", "<TimeStamp>1.0.1.0", "the project stamps the INF with the driver's version"),
    (PROJECT, '<FilesToPackage Include="$(TargetPath)" />', "", "in the package that Visual Studio makes"),
    (PROJECT, "<AdditionalIncludeDirectories>$(IntDir);", "<AdditionalIncludeDirectories>",
     "what is made from events.mc is found"),
    (TOOL, '<ClInclude Include="word.h" />', "", "tool/cryptoctl.vcxproj lists every source"),
    (TOOL, "bcrypt.lib;", "", "the tool is linked with the same libraries"),
]


def broken(source_root, zip_file=package, header=registers_h, files=tuple(programs)):
    command = [sys.executable, here / "installation.py", source_root, header, certificate, zip_file, *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.findall(r"^not ok \d+ - (.*)$", result.stdout, re.M) or (["it ended early"] if result.returncode else [])


def noticed(sentence, found):
    tap.ok(any(sentence in line for line in found), f"it would be noticed if not: {sentence}", found)


with tempfile.TemporaryDirectory() as folder:
    copy = pathlib.Path(folder)
    for part in ("drivers/windows/crypto", "drivers/windows/lib"):
        shutil.copytree(root / part, copy / part)
    tap.ok(broken(copy) == [], "nothing is noticed when nothing was changed", broken(copy))
    for name, old, new, sentence in CHANGES:
        path = copy / "drivers/windows/crypto" / name
        good = path.read_bytes()
        changed = good.replace(old.encode(), new.encode())
        if changed == good:
            tap.ok(False, f"'{old}' is in {name}")
            continue
        path.write_bytes(changed)
        noticed(sentence, broken(copy))
        path.write_bytes(good)

    header = copy / "crypto.h"
    header.write_text(registers_h.read_text().replace("0xc0de", "0xc0df").replace("0xC0DE", "0xC0DF"))
    noticed("the hardware ID is that of the specification", broken(copy, header=header))

    with zipfile.ZipFile(package) as whole, zipfile.ZipFile(copy / "part.zip", "w") as part:
        for name in whole.namelist():
            if name != "x86/crypto.inf":
                part.writestr(name, b"\n" if name in ("x64/cryptoctl.exe", "source/events.mc") else whole.read(name))
    found = broken(copy, zip_file=copy / "part.zip")
    noticed("the package has all that an installation and a build take", found)
    noticed("drivers and tools in it are the signed ones", found)
    noticed("its sources have the line ends of Windows", found)
    unsigned = [re.sub(r"crypto-(x\d\d)-signed", r"crypto-\1", program) for program in programs]
    noticed("the signature of crypto-x86.sys verifies", broken(copy, files=unsigned))

tap.done()
