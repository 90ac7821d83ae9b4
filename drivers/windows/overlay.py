#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Microsoft's own KMDF headers fit for GCC on Linux, in a copy: what WDF_INCLUDE=DIRECTORY stands on.

usage: overlay.py DIRECTORY OUTPUT

DIRECTORY is the folder kmdf/1.15 of a Windows Driver Kit or of Microsoft's Windows-Driver-Frameworks repository. The
copy differs from it in this, and nothing else:

- Files have lower-case names, and include each other by them: there they are mixed, which only Windows overlooks.
- The enumeration WDF_REQUEST_TYPE comes before wdfdevice.h uses it: GCC knows no enumeration that is only declared.
- On x86 function types say NTAPI: Microsoft's compiler has __stdcall for the default in drivers, GCC has not.
- The functions for a driver to point to, which do nothing, are ordinary ones: mingw-w64's FORCEINLINE has no address.
- Context types are in no section of their own, and their descriptions are not "extern" where they are defined.
- Annotations, and __pragma, are defined away: mingw-w64 has not all of them.
"""

import pathlib
import re
import sys

VERSION = "1.15"
FUNCTIONS = "WdfFunctions_01015"  # as wdf.h of that version calls the framework's table

INCLUDE = re.compile(r'^(\s*#\s*include\s*["<])([^">]+)([">])', re.M)
ANNOTATION = re.compile(r"\b(_[A-Z]\w*[a-z]\w*_|__drv_\w+|__(?:in|out|inout)(?:_\w+)?|__deref_\w+|__checkReturn|"
                        r"__pragma)\b(\s*\()?")


def refuse(source, complaint):
    sys.exit(f"WDF_INCLUDE={source}: {complaint}")


def read(source):
    """The folder's headers by their lower-case names; only if they are what the drivers can be built with."""
    if not source.is_dir():
        refuse(source, "there is no such folder.")
    files = {}
    for path in source.iterdir():
        if path.suffix.lower() == ".h":
            text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("latin-1")
            files[path.name.lower()] = text.replace("\r\n", "\n")
    if "wdf.h" not in files:
        below = sorted(path.parent for path in source.rglob("wdf.h") if path.parent.parts[-2:] == ("kmdf", VERSION))
        folder = below[0] if below else f"kmdf/{VERSION} of a Windows Driver Kit"
        refuse(source, f"it has no wdf.h; give the folder {folder}.")
    functions = re.search(r"\bWdfFunctions_(\d\d)(\d\d\d)\b", files["wdf.h"])
    if not functions or functions.group() != FUNCTIONS:
        found = f"KMDF {int(functions[1])}.{int(functions[2])}" if functions else "another framework"
        refuse(source, f"it is for {found}, and the drivers are for {VERSION}; give the folder kmdf/{VERSION}.")
    missing = absent(files)
    if missing:
        refuse(source, f"it lacks {', '.join(missing)}, which wdf.h needs; give one that has all of kmdf/{VERSION}.")
    return files


def absent(files):
    """The framework's headers that wdf.h includes, itself or through others, and the folder has not."""
    seen, todo = set(), ["wdf.h"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            included = [include[1].lower() for include in INCLUDE.findall(files.get(name, ""))]
            todo += [include for include in included if include.startswith("wdf")]
    return sorted(seen - set(files))


def lower_case_includes(text):
    return INCLUDE.sub(lambda match: match[1] + match[2].lower() + match[3], text)


def move_request_type(source, files):
    """Takes the definition of WDF_REQUEST_TYPE from wdfrequest.h to the head of wdfdevice.h."""
    definition = re.search(r"typedef\s+enum\s+_WDF_REQUEST_TYPE\s*\{.*?\}[^;]*;", files["wdfrequest.h"], re.S)
    if not definition:
        refuse(source, "its wdfrequest.h does not define WDF_REQUEST_TYPE; is the file as Microsoft's?")
    files["wdfrequest.h"] = files["wdfrequest.h"].replace(definition.group(), "")
    guard = re.search(r"#ifndef\s+(\w+)\s+#define\s+\1\b", files["wdfdevice.h"])
    at = guard.end() if guard else 0
    files["wdfdevice.h"] = files["wdfdevice.h"][:at] + "\n" + definition.group() + "\n" + files["wdfdevice.h"][at:]


def calling_convention(text):
    """NTAPI in the types of framework functions and callbacks that name no convention."""
    text = re.sub(r"\(\s*\*\s*(PFN_\w+)\s*\)", r"(NTAPI *\1)", text)
    text = re.sub(r"^(\s*)(EVT_\w+)(\s*\()", r"\1NTAPI \2\3", text, flags=re.M)
    nothing = r"\b(?:VOID\s+FORCEINLINE|FORCEINLINE\s+VOID)\s+(WdfDeviceInterface\w+NoOp\b)"
    return re.sub(nothing, r"static VOID NTAPI \1", text)


def plain_context_types(text):
    text = re.sub(r"__declspec\s*\(\s*allocate\s*\([^()]*\)\s*\)", "", text)
    return re.sub(r"\bextern(\s+const\s+WDF_OBJECT_CONTEXT_TYPE_INFO\b)", r"\1", text)


def annotations(files):
    """Definitions of nothing for all that looks like an annotation. One that has arguments only at times is taken out
    where it has none."""
    bare, called = set(), set()
    for name, parenthesis in ANNOTATION.findall("".join(files.values())):
        (called if parenthesis else bare).add(name)
    for name in bare & called:
        for file, text in files.items():
            files[file] = re.sub(rf"\b{name}\b(?!\s*\()", "", text)
    definitions = [name + "(...)" if name in called else name for name in sorted(bare | called)]
    return "".join(f"#undef {name.removesuffix('(...)')}\n#define {name}\n" for name in definitions)


def main(source, output):
    files = read(source)
    move_request_type(source, files)
    for name, text in files.items():
        files[name] = plain_context_types(calling_convention(lower_case_includes(text)))
    files["annotations.h"] = annotations(files)
    files["wdf.h"] = '#include "annotations.h"\n' + files["wdf.h"]
    output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path, contents = output / name, text.encode("latin-1")
        if not path.exists() or path.read_bytes() != contents:
            path.write_bytes(contents)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(pathlib.Path, sys.argv[1:]))
