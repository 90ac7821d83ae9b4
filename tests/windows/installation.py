#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a Windows machine gets: the INF is sound and agrees with device and driver, signatures verify, nothing is missing.

usage: installation.py SOURCE_ROOT CRYPTO_H CERTIFICATE PACKAGE.zip ARCH=SIGNED_DRIVER,SIGNED_TOOL...
"""

import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zipfile

import pe
from tap import Tap

root = pathlib.Path(sys.argv[1])
registers_h, certificate, package = sys.argv[2:5]
programs = {arch: files.split(",") for arch, files in (argument.split("=", 1) for argument in sys.argv[5:])}
drivers = {arch: driver for arch, (driver, _) in programs.items()}
tools = {arch: tool for arch, (_, tool) in programs.items()}
folder = root / "drivers/windows/crypto"
tap = Tap()


def parse(text):
    """{section: [(key or None, value)]}, strings put in. Names of sections are matched as Windows does: in any case."""
    sections = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        line = re.sub(r'("[^"]*")|;.*', lambda m: m.group(1) or "", line).strip()
        if header := re.fullmatch(r"\[(.+)\]", line):
            name = header.group(1).lower()
            if name in sections:
                raise ValueError(f"section [{name}] is there twice")
            entries = sections[name] = []
        elif line:
            key, equals, value = line.partition("=")
            entries.append((key.strip(), value.strip()) if equals else (None, line))
    strings = {key.lower(): value.strip('"') for key, value in sections["strings"]}

    def put_in(value):
        return value and re.sub(r"%([A-Za-z]\w*)%", lambda m: strings[m.group(1).lower()], value)

    return {name: [(put_in(k), put_in(v)) for k, v in entries] for name, entries in sections.items()}


raw = (folder / "crypto.inf").read_bytes()
inf = parse(raw.decode("ascii"))


def get(section, key):
    return next((v for k, v in inf.get(section.lower(), []) if k and k.lower() == key.lower()), None)


tap.ok(raw.count(b"\n") == raw.count(b"\r\n") > 0, "the INF has the line ends of Windows")
tap.ok(get("Version", "Signature") == '"$WINDOWS NT$"' and get("Version", "PnpLockdown") == "1",
       "it says what it is, and locks its files against others")
tap.ok((get("Version", "Class"), get("Version", "ClassGuid")) ==
       ("SecurityAccelerator", "{268C95A1-EDFE-11D3-95C3-0010DC4050A5}"), "the class is the system's for accelerators")

# Walk from [Manufacturer] to every section that an installation uses.
maker, *targets = [part.strip() for part in inf["manufacturer"][0][1].split(",")]
tap.ok({t.split(".")[0] for t in targets} == {"NTamd64", "NTx86"}, "64- and 32-bit Windows are targets", targets)
tap.ok(all(re.fullmatch(r"NT\w+\.10\.0(\.\.\.16299)?", t) for t in targets), "Windows 10 and later only", targets)

header = pathlib.Path(registers_h).read_text()
define = {name: int(value.rstrip("U"), 0) for name, value in re.findall(r"#define (CRYPTO_PCI_\w+) +(\w+)", header)}
hardware_id = f"PCI\\VEN_{define['CRYPTO_PCI_VENDOR_ID']:04X}&DEV_{define['CRYPTO_PCI_DEVICE_ID']:04X}"
used = {"version", "sourcedisksnames", "sourcedisksfiles", "destinationdirs", "manufacturer", "strings"}
missing, files = [], [key for key, _ in inf["sourcedisksfiles"]]


def use(section):
    if section.lower() not in inf:
        missing.append(section)
    used.add(section.lower())
    return inf.get(section.lower(), [])


for target in targets:
    for _, model in use(f"{maker}.{target}"):
        install, identity = [part.strip() for part in model.split(",")]
        tap.ok(identity == hardware_id, f"{target}: the hardware ID is that of the specification", identity)
        use(f"{install}.NT")
        copied = get(f"{install}.NT", "CopyFiles")
        tap.ok([f for _, f in use(copied)] == files == ["crypto.sys"], f"{target}: the driver is copied", copied)
        for section in get(f"{install}.NT.HW", "AddReg").split(","):
            use(section.strip())
        use(f"{install}.NT.HW")
        use(f"{install}.NT.Services")
        service, flags, section, log = [p.strip() for p in get(f"{install}.NT.Services", "AddService").split(",")]
        use(section)
        use(log)
        registry = [value for _, value in use(get(log, "AddReg"))]
        source = f'EventMessageFile, 0x00020000, "{get(section, "ServiceBinary")}"'
        tap.ok(any(value.endswith(source) for value in registry), f"{target}: the driver has the texts of its events")
        where = get("DestinationDirs", copied)
        tap.ok(get(section, "ServiceBinary") == f"%{where}%\\crypto.sys", f"{target}: the service is started from there")
        wanted, place = ("13", "driver store") if target.endswith("16299") else ("12", "drivers folder")
        tap.ok(where == wanted, f"{target}: it runs from the {place}", where)
        tap.ok((flags, get(section, "ServiceType"), get(section, "StartType")) == ("0x2", "1", "3"),
               f"{target}: a kernel driver, started for the device, is its function driver")
        use(f"{install}.NT.Wdf")
        of, framework = [p.strip() for p in get(f"{install}.NT.Wdf", "KmdfService").split(",")]
        use(framework)
        tap.ok(of == service, f"{target}: the framework is told of the same service", of)
bound = re.search(r"\.version = \{(\d+), (\d+), 0\}", (root / "drivers/windows/lib/entry.c").read_text())
tap.ok(get("Crypto.Framework", "KmdfLibraryVersion") == ".".join(bound.groups()),
       "the framework's version is the one that the driver binds to")
tap.ok(not missing, "every section that is named is there", missing)
tap.ok(used == set(inf), "every section that is there is used", set(inf) - used)

messages = [v for _, v in inf["crypto.interrupts"] if "MessageNumberLimit" in v]
tap.ok(messages and int(messages[0].split(",")[-1]) == define["CRYPTO_PCI_MSI"],
       "as many messages are asked for as the device has", messages)
tap.ok(any(re.search(r"MSISupported, 0x00010001, 1$", v) for _, v in inf["crypto.interrupts"]), "messages are allowed")
security = inf["crypto.security"][0][1]
rights = dict(re.findall(r"\(A;;(\w+);;;(\w\w)\)", security))
tap.ok(security.startswith('HKR,, Security,, "D:P(A;;'), "the device's security is set, and not inherited", security)
tap.ok(sorted(re.findall(r"\(A;;(\w+);;;(\w\w)\)", security)) == [("GA", "BA"), ("GA", "SY"), ("GR", "IU")],
       "users may use the device, only administrators reset it", rights)

# Versions: DriverVer, version.h and the resource of the binary.
version_h = dict(re.findall(r"#define DRIVER_(\w+) (\d+)", (folder / "version.h").read_text()))
version = tuple(int(version_h[name]) for name in ("MAJOR", "MINOR", "BUILD")) + (0,)
driver_ver = get("Version", "DriverVer").split(",")
tap.ok(tuple(map(int, driver_ver[1].split("."))) == version, "DriverVer is the driver's version", driver_ver)
for path in [*drivers.values(), *tools.values()]:
    data = pathlib.Path(path).read_bytes()
    at = data.find(struct.pack("<II", 0xFEEF04BD, 0x00010000))
    high, low = struct.unpack_from("<II", data, at + 8) if at >= 0 else (0, 0)
    tap.ok((high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF) == version,
           f"the version resource of {pathlib.Path(path).name} says so too")


texts = re.findall(r"^%1: .{20}", (folder / "events.mc").read_text(), re.M)
for arch, driver in drivers.items():
    data = pathlib.Path(driver).read_bytes()
    tap.ok(len(texts) == 4 and all(data.count(text.encode("utf-16-le")) or text.encode() in data for text in texts),
           f"the texts of all events are in the driver for {arch}")


def verifies(path):
    command = ["osslsigncode", "verify", "-CAfile", certificate, "-in", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode == 0, result.stdout + result.stderr


for path in [*drivers.values(), *tools.values()]:
    good, text = verifies(path)
    tap.ok(good, f"the signature of {pathlib.Path(path).name} verifies", text)
    with tempfile.NamedTemporaryFile(suffix=pathlib.Path(path).suffix) as changed:
        data = bytearray(pathlib.Path(path).read_bytes())
        data[0x600] ^= 1
        changed.write(data)
        changed.flush()
        tap.ok(not verifies(changed.name)[0], "and does not when a bit of its code is changed")

# The project files build what is built here.
names = {"m": "http://schemas.microsoft.com/developer/msbuild/2003"}
solution = (folder / "crypto.sln").read_text()
sources = set()
for project_file, extra in (("crypto.vcxproj", {"crypto.h"}), ("tool/cryptoctl.vcxproj", set())):
    path = folder / project_file
    project = xml.etree.ElementTree.parse(path)
    included = {element.get("Include") for element in project.iterfind(".//m:ItemGroup/*", names)} - {None}
    present = {p.name for p in path.parent.iterdir() if p.suffix in (".c", ".h", ".rc", ".mc", ".inf")} | extra
    listed = {name for name in included if not re.search(r"[|$]", name)}
    tap.ok(listed == present, f"{project_file} lists every source", listed ^ present)
    identity = project.find(".//m:ProjectGuid", names).text
    windows_path = project_file.replace("/", "\\")
    tap.ok(solution.count(identity) == 9 and f'"{windows_path}", "{identity}"' in solution, "and the solution names it")
    sources |= {str((path.parent / name).relative_to(folder)) for name in present} | {project_file}
    if project_file == "crypto.vcxproj":
        stamp = project.find(".//m:Inf/m:TimeStamp", names).text
        tap.ok(stamp == driver_ver[1], "the project stamps the INF with the driver's version", stamp)
        packed = project.find(".//m:FilesToPackage", names)
        tap.ok(packed is not None, "the driver is in the package that Visual Studio makes")
        searched = {element.tag.split("}")[1] for element in project.iterfind(".//m:ItemDefinitionGroup/*", names)
                    if "$(IntDir)" in (element.findtext("m:AdditionalIncludeDirectories", "", names))}
        tap.ok(searched == {"ClCompile", "ResourceCompile"}, "what is made from events.mc is found there", searched)
# The tool needs nothing that a Windows 10 does not have, and is built as safely as the drivers.
for arch, path in tools.items():
    image = pe.Image(path)
    tap.ok((image.machine, image.subsystem) == (arch, 3), f"the tool for {arch} is a program for its console")
    tap.ok(image.dll_flags & 0x140 == 0x140 and image.relocations(), "loaded anywhere, its data not executable")
    foreign = {name.lower() for name in image.imports()} - {"kernel32.dll", "msvcrt.dll", "bcrypt.dll", "cfgmgr32.dll"}
    tap.ok(not foreign, "and needs libraries of every Windows only", foreign)

libraries = re.search(r"tool_libraries = \[(.*)\]", (folder / "tool/meson.build").read_text()).group(1)
libraries = {f"{name}.lib" for name in re.findall(r"-l(\w+)", libraries)}
linked = set(project.find(".//m:AdditionalDependencies", names).text.split(";")) - {"%(AdditionalDependencies)"}
tap.ok(linked == libraries, "the tool is linked with the same libraries", linked ^ libraries)

with zipfile.ZipFile(package) as archive:
    packed = set(archive.namelist())
    wanted = {f"{arch}/{n}" for arch in drivers for n in ("crypto.sys", "crypto.inf", "test.cer", "cryptoctl.exe")}
    wanted |= {f"source/{name}" for name in sources | {"crypto.sln"}}
    tap.ok(packed == wanted, "the package has all that an installation and a build take", packed ^ wanted)
    same = all(archive.read(f"{arch}/crypto.sys") == pathlib.Path(path).read_bytes() for arch, path in drivers.items())
    same &= all(archive.read(f"{arch}/cryptoctl.exe") == pathlib.Path(p).read_bytes() for arch, p in tools.items())
    tap.ok(same, "drivers and tools in it are the signed ones")
    texts = {name: archive.read(name) for name in packed if name.startswith("source/")}
    foreign = sorted(name for name, text in texts.items() if text.count(b"\n") != text.count(b"\r\n"))
    tap.ok(not foreign, "its sources have the line ends of Windows", foreign)

tap.done()
