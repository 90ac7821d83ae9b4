#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is made from the tables in kmdf-1.15.

    kmdf.py functions            prints include/wdffuncs.h, which is checked in
    kmdf.py assertions [TABLES]  prints a C file that compiles where the headers agree with the tables
    kmdf.py gates OUTPUT DEPFILE writes what the stage knows of each function: {name, highest IRQL, types} (gate.h)
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent


def table(name, tables=HERE / "kmdf-1.15"):
    """The rows of a table, without its comments."""
    lines = (pathlib.Path(tables) / f"{name}.tsv").read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def split(function_type):
    """'void (WDFDEVICE, ULONG)' as ('void', ['WDFDEVICE', 'ULONG'])."""
    result, parameters = re.fullmatch(r"(.+?) \((.*)\)", function_type).groups()
    return result, parameters.split(", ")


def space(ctype):
    """A type ready to be followed by a name."""
    return ctype if ctype.endswith("*") else ctype + " "


# On x86 all of the framework's functions are __stdcall, save these two, which take two arguments in registers.
FASTCALL = {"WdfObjectGetTypedContextWorker", "WdfObjectContextGetObject"}


def pointer(function, name):
    """The start of a function pointer's name in a declaration: '(NTAPI *name'."""
    return f"({'FASTCALL' if function in FASTCALL else 'NTAPI'} *{name}"


def declared():
    """The functions that the headers declare; their bodies are generated."""
    text = "".join(path.read_text() for path in HERE.glob("include/*.h") if path.name != "wdffuncs.h")
    return set(re.findall(r"^WDF_INLINE [^;{]*?\b(Wdf\w+)\([^;{]*\);", text, re.M))


FUNCTIONS_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framework's functions: the table that it hands to a driver, and the call through it for each function that the
 * headers declare. Made by kmdf.py from kmdf-1.15/functions.tsv, so that the compiler compares the declarations in the
 * headers with the table. Do not edit.
 */
#ifndef _WDFFUNCS_H_
#define _WDFFUNCS_H_

typedef void(NTAPI *WDFFUNC)(void);

struct _WDF_FUNCTIONS {
"""


def functions():
    out = [FUNCTIONS_HEAD]
    calls = []
    names = declared()
    for _, name, function_type in table("functions"):
        if function_type == "?":
            out.append(f"\tWDFFUNC {name};\n")
            continue
        result, types = split(function_type)
        out.append(f"\t{space(result)}{pointer(name, name)})({', '.join(types)});\n")
        if name in names:
            arguments = [f"{chr(ord('a') + i)}" for i in range(len(types) - 1)]
            parameters = ", ".join(space(t) + a for t, a in zip(types[1:], arguments)) or "void"
            call = f"WdfFunctions->{name}({', '.join(['WdfDriverGlobals'] + arguments)});"
            calls.append(f"WDF_INLINE {space(result)}{name}({parameters})\n{{\n"
                         f"\t{'' if result == 'void' else 'return '}{call}\n}}\n\n")
    out.append("};\n\n/* Defined by the entry stub and set by the framework when it binds the driver. */\n"
               "extern const struct _WDF_FUNCTIONS *WdfFunctions;\n\n")
    return "".join(out + calls) + "#endif\n"


ASSERTIONS_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* Made by kmdf.py: compiles where the headers agree with the tables. */
#include <ntddk.h>
#include <wdf.h>

#ifdef _WIN64
#define OFFSET(x64, x86) (x64)
#else
#define OFFSET(x64, x86) (x86)
#endif

/*
 * The index of a function and the type of a pointer to it: place and type in our table's structure, an enumerator and a
 * name in capitals in Microsoft's headers.
 */
#ifdef WDF_INCLUDE
#define INDEX(function) function##TableIndex
#define POINTER(function, FUNCTION) PFN_##FUNCTION
#else
#define INDEX(function) (offsetof(struct _WDF_FUNCTIONS, function) / sizeof(WDFFUNC))
#define POINTER(function, FUNCTION) __typeof__(WdfFunctions->function)
#endif

#define SAME(a, b) __builtin_types_compatible_p(a, b)

"""


def assertions(tables):
    out = [ASSERTIONS_HEAD]

    def check(condition, sentence):
        out.append(f'_Static_assert({condition}, "{sentence}");\n')

    for struct, member, x64, x86 in table("structs", tables):
        what = f"sizeof({struct})" if member == "sizeof" else f"offsetof({struct}, {member})"
        check(f"{what} == OFFSET({x64}, {x86})", f"{struct}.{member} is at {x64} on x64, at {x86} on x86")
    for enum, enumerator, value in table("enums", tables):
        check(f"(ULONG){enumerator} == {value}u", f"{enumerator} of {enum} is {value}")
    for index, name, function_type in table("functions", tables):
        check(f"INDEX({name}) == {index}", f"{name} has index {index}")
        if function_type != "?":
            result, types = split(function_type)
            check(f"SAME(POINTER({name}, {name.upper()}), {space(result)}{pointer(name, '')})({', '.join(types)}))",
                  f"{name} is {function_type}, {'__fastcall' if name in FASTCALL else '__stdcall'}")
    out.append("#ifndef WDF_INCLUDE\n")
    count = len(table("functions", tables))
    check(f"sizeof(struct _WDF_FUNCTIONS) == {count} * sizeof(WDFFUNC)", f"there are {count} functions")
    out.append("#else\n")
    check(f"WdfFunctionTableNumEntries == {count}", f"there are {count} functions")
    out.append("#endif\n")
    for name, callback_type in table("callbacks", tables):
        if not callback_type.startswith("EVT_"):
            result, types = split(callback_type)
            check(f"SAME(PFN_{name[4:]}, {space(result)}(NTAPI *)({', '.join(types)}))",
                  f"{name} is {callback_type}, __stdcall")
    return "".join(out)


IRQLS = {"PASSIVE": "PASSIVE_LEVEL", "APC": "APC_LEVEL", "DISPATCH": "DISPATCH_LEVEL", "any": "HIGH_LEVEL"}

# Functions that answer STATUS_INSUFFICIENT_RESOURCES where memory is short.
ALLOCATES = re.compile(r"Create|Alloc|Assign(Name|SDDL|DeviceID|InstanceID|ContainerID|Wdm|Raw|Mof|S0Idle|SxWake)|Open|"
                       r"Append|Insert|Add(?!ress)|Format|Retrieve(Input|Output)(Memory|WdmMdl)|ProbeAndLock|Initialize|Execute|"
                       r"Query(Memory|MultiString|String|UnicodeString|ULong|Value)|Assign(Value|Memory|MultiString|"
                       r"UnicodeString|String|ULong)|Register|Retrieve(Device(?!$)|Version|Name)\w*|ConfigureRequestDispatching")


def irqls():
    """What the remarks in the headers say: the highest IRQL of each function."""
    text = "".join(path.read_text() for path in HERE.glob("include/*.h") if path.name != "wdffuncs.h")
    remarks = re.findall(r"/\*[ \n*]*\[(\w+)\](?:(?!\*/).)*\*/\nWDF_INLINE [^;{]*?\b(Wdf\w+)\([^;{]*\);", text, re.S)
    return {name: IRQLS[irql] for irql, name in remarks}


def letter(ctype):
    """A type in the letters of gate.h."""
    if ctype == "void":
        return "v"
    if ctype in ("PCUNICODE_STRING", "PUNICODE_STRING", "const UNICODE_STRING *"):
        return "w"
    if ctype.startswith("WDF") and "_" not in ctype and not ctype.endswith("*") and ctype != "WDFCONTEXT":
        return "h"
    if ctype.endswith("*") or re.match(r"P(?!OWER_ACTION|HYSICAL_ADDRESS|OOL_TYPE)[A-Z]", ctype) or \
            ctype in ("WDFCONTEXT", "LPCGUID", "HANDLE"):
        return "p"
    if ctype in ("BOOLEAN", "UCHAR", "CCHAR", "KPROCESSOR_MODE", "KIRQL"):
        return "b"
    if ctype in ("size_t", "ULONG_PTR", "LONGLONG", "ULONGLONG", "KAFFINITY", "PHYSICAL_ADDRESS"):
        return "q"
    return {"NTSTATUS": "s", "ACCESS_MASK": "x"}.get(ctype, "u")


def gates():
    out = ["/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by kmdf.py: the framework's functions in their order. */\n"]
    levels = irqls()
    for _, name, function_type in table("functions"):
        types = ""
        if function_type != "?":
            result, arguments = split(function_type)
            first = letter(result)
            if first == "s" and ALLOCATES.search(name):
                first = "S"
            elif result == "PWDFDEVICE_INIT":
                first = "P"
            types = first + ":" + "".join(letter(argument) for argument in arguments)
        out.append(f'{{"{name}", {levels.get(name, "DISPATCH_LEVEL")}, "{types}"}},\n')
    return "".join(out)


if __name__ == "__main__":
    if sys.argv[1:] == ["functions"]:
        sys.stdout.write(functions())
    elif sys.argv[1:2] == ["gates"] and len(sys.argv) == 4:
        pathlib.Path(sys.argv[2]).write_text(gates())
        read = [*sorted(HERE.glob("include/*.h")), HERE / "kmdf-1.15" / "functions.tsv"]
        pathlib.Path(sys.argv[3]).write_text(f"{sys.argv[2]}: {' '.join(str(path) for path in read)}\n")
    elif sys.argv[1:2] == ["assertions"] and len(sys.argv) <= 3:
        sys.stdout.write(assertions(*sys.argv[2:] or [HERE / "kmdf-1.15"]))
    else:
        sys.exit(__doc__)
