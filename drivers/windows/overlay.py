#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Microsoft's own KMDF headers fit for GCC on Linux, in a copy: what WDF_INCLUDE=DIRECTORY stands on.

usage: overlay.py DIRECTORY OUTPUT

DIRECTORY is the folder kmdf/1.15 of a Windows Driver Kit or of Microsoft's Windows-Driver-Frameworks repository. The copy
differs from it in this, and nothing else:

- Files have lower-case names, and include each other by them: there they are mixed, which only Windows overlooks.
- The enumeration WDF_REQUEST_TYPE comes before wdfdevice.h uses it: GCC knows no enumeration that is only declared.
- On x86 function types say NTAPI: Microsoft's compiler has __stdcall for the default in drivers, GCC has not.
- Context types are in no section of their own, and their descriptions are not "extern" where they are defined.
- Annotations that mingw-w64 does not have are defined away.
"""

import pathlib
import re
import sys


def lower_case_includes(text, names):
    """Includes of files of the folder by their lower-case names."""
    def replace(match):
        name = match.group(2).lower()
        return match.group(1) + (name if name in names else match.group(2)) + match.group(3)

    return re.sub(r'(#\s*include\s+["<])([^">]+)([">])', replace, text)


def move_request_type(files):
    """Takes the definition of WDF_REQUEST_TYPE from wdfrequest.h to the head of wdfdevice.h."""
    definition = re.search(r"typedef\s+enum\s+_WDF_REQUEST_TYPE\s*\{.*?\}[^;]*;", files["wdfrequest.h"], re.S)
    if not definition:
        sys.exit("wdfrequest.h does not define WDF_REQUEST_TYPE: is this the folder kmdf/1.15?")
    files["wdfrequest.h"] = files["wdfrequest.h"].replace(definition.group(), "")
    guard = re.search(r"#ifndef\s+(\w+)\s+#define\s+\1\b", files["wdfdevice.h"])
    at = guard.end() if guard else 0
    files["wdfdevice.h"] = files["wdfdevice.h"][:at] + "\n" + definition.group() + "\n" + files["wdfdevice.h"][at:]


def calling_convention(text):
    """NTAPI in the types of framework functions and callbacks that name no convention."""
    text = re.sub(r"\(\s*\*\s*(PFN_\w+)\s*\)", r"(NTAPI *\1)", text)
    return re.sub(r"^(\s*)(EVT_\w+)(\s*\()", r"\1NTAPI \2\3", text, flags=re.M)


def plain_context_types(text):
    text = re.sub(r"^#\s*pragma\s+section\b.*$", "", text, flags=re.M)
    text = re.sub(r"__declspec\s*\(\s*allocate\s*\([^()]*\)\s*\)", "", text)
    return re.sub(r"\bextern(\s+const\s+WDF_OBJECT_CONTEXT_TYPE_INFO\b)", r"\1", text)


def annotations(text):
    """Definitions of nothing for all that looks like an annotation, where the compiler's headers have none."""
    found = {}
    for name, parenthesis in re.findall(r"\b(_[A-Z]\w*[a-z]\w*_|__drv_\w+|__(?:in|out|inout|deref|check)\w*)\b(\s*\()?", text):
        found[name] = found.get(name, False) or bool(parenthesis)
    lines = [f"#ifndef {name}\n#define {name}{'(...)' if found[name] else ''}\n#endif\n" for name in sorted(found)]
    return "".join(lines)


def main(source, output):
    source, output = pathlib.Path(source), pathlib.Path(output)
    files = {path.name.lower(): path.read_text(encoding="latin-1") for path in source.glob("*.[hH]")}
    if not {"wdf.h", "wdfdevice.h", "wdfrequest.h"} <= set(files):
        sys.exit(f"{source}: no wdf.h, wdfdevice.h and wdfrequest.h: is this the folder kmdf/1.15?")
    move_request_type(files)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        text = plain_context_types(calling_convention(lower_case_includes(text, files)))
        files[name] = text.replace("\r\n", "\n")
    files["wdf.h"] = '#include "annotations.h"\n' + files["wdf.h"]
    files["annotations.h"] = annotations("".join(files.values()))
    for name, text in files.items():
        (output / name).write_text(text, encoding="latin-1")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
