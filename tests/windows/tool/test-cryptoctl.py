#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cryptoctl from its command line, under Wine, on a fake transport (fake.h): files, pipes, names, errors, statuses.

usage: test-cryptoctl.py WINE OPENSSL BUILD_FOLDER CRYPTOCTL_FAKE CRYPTOCTL
"""

import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import Tap
from wine import Wine

wine_command, openssl, build, fake_tool, real_tool = sys.argv[1:]
wine = Wine(wine_command, pathlib.Path(build) / "wine-cryptoctl")
wine.keep(fake_tool, "digest")
tap = Tap()
scratch = tempfile.TemporaryDirectory(dir=build)
folder = pathlib.Path(scratch.name)
KEY, IV = bytes(range(32)), bytes(range(100, 116))


def run(*arguments, **options):
    return wine.run(fake_tool, *arguments, cwd=folder, **options)


def expect(sentence, result, status=0, out=None, error=b""):
    """Checks exit status, standard output (when given) and that standard error is `error`, or contains it."""
    good = result.returncode == status and (out is None or result.stdout == out)
    good = good and (error in result.stderr if error else result.stderr == b"")
    tap.ok(good, sentence, f"status {result.returncode}\n{(result.stdout or b'')[:300]}\n{result.stderr[:300]}")


def file(name, data):
    (folder / name).write_bytes(data)
    return name


def reference(action, data, key=KEY, iv=IV):
    command = [openssl, "enc", action, "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def line(data, name):
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode()


def files_here():
    return {path.name for path in folder.iterdir()}


key = file("key", KEY)
big = os.urandom(1 << 20) * 20 + b"end"  # several chunks, and no multiple of anything

# -- digest
expect("a file's digest is printed", run("digest", file("abc", b"abc")), out=line(b"abc", "abc"))
expect("an empty one's too", run("digest", file("empty", b"")), out=line(b"", "empty"))
expect("and one of several chunks", run("digest", file("big", big)), out=line(big, "big"))
expect("standard input, when no file is named", run("digest", input=b"abc"), out=line(b"abc", "-"))
expect("or '-', of several chunks", run("digest", "-", input=big), out=line(big, "-"))
expect("a name in any script", run("digest", file("Prüfung 検査.txt", b"abc")), out=line(b"abc", "Prüfung 検査.txt"))
result = run("digest", "abc", "nowhere", "empty")
expect("a file that is not there keeps no other from being digested", result, status=1,
       out=line(b"abc", "abc") + line(b"", "empty"),
       error=b"cryptoctl: cannot open 'nowhere': File not found (error 2).\n")
expect("a folder is no file", run("digest", "."), status=1, error=b"cannot open '.': ")

# What comes from a pipe is gathered, in memory and beyond it in a temporary file that is not left behind.
data = big * 4
before = set((wine.prefix / "drive_c").rglob("*"))
expect("a pipe of more than is gathered in memory", run("digest", input=data), out=line(data, "-"))
left = {path for path in set((wine.prefix / "drive_c").rglob("*")) - before if path.suffix == ".tmp"}
tap.ok(not left, "leaves no temporary file behind", left)
process = wine.start(fake_tool, "digest", stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
for piece in (b"a", b"b", b"c"):
    process.stdin.write(piece)
    process.stdin.flush()
tap.ok(process.communicate()[0] == line(b"abc", "-"), "a pipe that gives its data in pieces")

# -- encrypt and decrypt
for name, content in (("empty", b""), ("abc", b"abc"), ("block", bytes(16)), ("big", big)):
    file(name, content)
    result = run("encrypt", "--key", key, name, "sealed")
    sealed = (folder / "sealed").read_bytes()
    expect(f"{name} is encrypted", result, out=b"")
    tap.ok(reference("-d", sealed[16:], iv=sealed[:16]) == content, "as openssl decrypts it", sealed[:64].hex())
    expect("and decrypted", run("decrypt", "--key", key, "sealed", "opened"), out=b"")
    tap.ok((folder / "opened").read_bytes() == content, "to what it was")
result = run("encrypt", "--key", key, "--iv", IV.hex(), input=big)
expect("with --iv pipes are encrypted as openssl does", result, out=reference("-e", big))
result = run("decrypt", "--key", key, f"--iv={IV.hex()}", "-", "-", input=reference("-e", big))
expect("and decrypted", result, out=big)
first, second = (run("encrypt", "--key", key, "abc").stdout for _ in range(2))
tap.ok(first[:16] != second[:16] and first[16:] != second[16:], "two encryptions of the same differ")
file("digits", KEY.hex().upper().encode() + b"\r\n")
expect("a key may be in digits", run("encrypt", "--key", "digits", "--iv", IV.hex(), "abc"),
       out=reference("-e", b"abc"))
expect("a key may come from a pipe", run("encrypt", "--key", "-", "--iv", IV.hex(), "abc", input=KEY),
       out=reference("-e", b"abc"))
expect("an output in any script", run("encrypt", "--key", key, "--iv", IV.hex(), "abc", "鍵 ключ"), out=b"")
tap.ok((folder / "鍵 ключ").read_bytes() == reference("-e", b"abc"), "has its name")
file("self", b"abc")
expect("a file may be encrypted into itself", run("encrypt", "--key", key, "--iv", IV.hex(), "self", "self"), out=b"")
tap.ok((folder / "self").read_bytes() == reference("-e", b"abc"), "at once")
expect("what is no file is written to as it is", run("encrypt", "--key", key, "abc", "NUL"), out=b"")

# -- what goes wrong
file("kept", b"precious")
file("half", reference("-e", big)[:-5])
there = files_here()
expect("half a file is refused", run("decrypt", "--key", key, "half", "kept"), status=1,
       error=b"'half' is not encrypted, or not complete: its length is no multiple of 16.\n")
file("other", reference("-e", b"some text", key=bytes(32)))
expect("another key is noticed", run("decrypt", "--key", key, "--iv", IV.hex(), "other", "kept"), status=1,
       error=b"'other' does not end as encrypt makes it: another key, another --iv, or another file.\n")
expect("nothing is not encrypted", run("decrypt", "--key", key, "empty", "kept"), status=1,
       error=b"'empty' is shorter than anything that encrypt makes; when it was made with --iv, that is needed")
expect("a device that fails in the middle", run("encrypt", "--key", key, "big", "kept", fake="fail=2"), status=1,
       error=b"the device failed, and what its driver printed says where")
expect("a message that the driver gave up", run("digest", "big", fake="lost=2"), status=1,
       error=b"try again, from a faster disk: ")
expect("an output that can not be made", run("encrypt", "--key", key, "abc", "nowhere/x"), status=1,
       error=b"cannot create 'nowhere/x': Path not found (error 3).\n")
expect("an input that is not there", run("encrypt", "--key", key, "nowhere", "kept"), status=1,
       error=b"cannot open 'nowhere': File not found (error 2).\n")
expect("a key that is not there", run("encrypt", "--key", "nowhere", "abc", "kept"), status=1,
       error=b"cannot read the key from 'nowhere': File not found (error 2).\n")
for name, content in (("short", KEY[:31]), ("long", KEY + b"\n"), ("letters", b"x" * 64), ("longer", b"0" * 200)):
    expect(f"a key that is none ({name})", run("encrypt", "--key", file(name, content), "abc", "kept"), status=1,
           error=f"'{name}' holds no key: that is 32 bytes, or 64 hexadecimal digits.\n".encode())
    (folder / name).unlink()
(folder / "other").unlink()
tap.ok((folder / "kept").read_bytes() == b"precious" and files_here() == there,
       "none of it changed the output, or left something behind", files_here() ^ there)
expect("no device", run("info", fake="absent"), status=1, out=b"",
       error=b"there is no crypto accelerator number 0, or its driver is not started; 'pnputil /enum-devices")
expect("no device of that number", run("info", "--device", "1"), status=1, error=b"crypto accelerator number 1,")
expect("no right to the device", run("info", fake="denied"), status=1, error=b"Access denied (error 5).\n")
expect("an answer of another driver", run("stat", fake="old"), status=1, error=b"(error 24).\n")
expect("the real tool, where there is no device", wine.run(real_tool, "info"), status=1,
       error=b"there is no crypto accelerator number 0")
with open("/dev/full", "wb") as full:
    expect("an output that is full", run("digest", "abc", stdout=full), status=1,
           error=b"cannot write to standard output: ")
    expect("for data too", run("encrypt", "--key", key, "abc", stdout=full), status=1, error=b"cannot write '-': ")
reader, writer = os.pipe()
os.close(reader)
expect("a pipe that nobody reads", run("encrypt", "--key", key, "big", stdout=writer), status=1,
       error=b"cannot write '-': ")
os.close(writer)

# -- Ctrl-C, which Wine makes of SIGINT
process = wine.start(fake_tool, "encrypt", "--key", key, "big", "kept", fake="hang", stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE, cwd=folder)
while process.poll() is None and "kept.incomplete" not in files_here():
    time.sleep(0.01)
tap.ok(process.poll() is None, "a device that hangs keeps the tool waiting")
process.send_signal(signal.SIGINT)
result = subprocess.CompletedProcess((), 0, *process.communicate())
result.returncode = process.returncode
expect("Ctrl-C ends it", result, status=1, error=b"cryptoctl: interrupted.\n")
tap.ok((folder / "kept").read_bytes() == b"precious" and "kept.incomplete" not in files_here(), "and leaves nothing")

# -- the command line
for arguments, error in (
        ((), b"no verb; see 'cryptoctl --help'"), (("sing",), b"'sing' is no verb"),
        (("info", "x"), b"after its options info takes nothing; see"),
        (("encrypt", "a", "b", "c"), b"encrypt takes [INPUT [OUTPUT]]; see"),
        (("info", "--key", "x"), b"info has no option '--key'"),
        (("encrypt", "abc"), b"--key FILE is needed"),
        (("encrypt", "--key", "key", "--iv", "12", "abc"), b"--iv takes"),
        (("encrypt", "--key", "-"), b"key and data can not both"), (("bench", "--size", "17"), b"no multiple of 16"),
        (("bench", "--depth", "5", "--size", "64M"), b"more than this program has memory for"),
        (("info", "--device", "x"), b"--device takes a number from 0 to 1023, not 'x'"),
        (("digest", "-q"), b"'-q' is no option")):
    expect(f"misused: {' '.join(arguments)}", run(*arguments), status=2, out=b"", error=error)
text = run("--help").stdout.decode()
verbs = re.findall(r"^  ([a-z]+) +[a-z]", text, re.M)
tap.ok(len(verbs) == 8, "the help names eight verbs", text)
for verb in verbs:
    result = run(verb, "--help")
    wanted = f"usage: cryptoctl {verb} [OPTIONS]".encode()
    tap.ok(result.returncode == 0 and wanted in result.stdout, f"help for {verb}")
manual = pathlib.Path(__file__).resolve().parents[3] / "docs/cryptoctl.md"
words = {word for verb in verbs for word in re.findall(r"--[a-z]+", run(verb, "--help").stdout.decode())}
missing = [word for word in {*verbs, *words} if word not in manual.read_text()]
tap.ok(words and not missing, "the manual names every verb and option", missing)
expect("the version is the driver's", run("--version"), out=b"cryptoctl 1.0.0\n")

# -- the rest
result = run("info")
expect("info shows device and driver", result)
tap.ok(re.search(rb"driver +1\.0\ndevice +1\.0\nfunctions +SHA-256 AES-256-CBC\n.*16\.0 MiB\n.*64\.0 MiB\n"
                 rb"interrupts +4 messages, one for each cause\n$", result.stdout), "in lines", result.stdout)
tap.ok(run("stat").stdout.count(b"\n") == 10, "stat shows every count")
expect("reset", run("reset"), out=b"")
result = run("bench", "--seconds", "0", "--depth", "2")
expect("bench measures", result)
tap.ok(result.stdout.count(b"\n") == 1 + 3 * 6 and result.stdout.count(b"/s\n") == 3 * 6, "every operation and length",
       result.stdout)

# -- the self-test passes, and finds what is wrong with a device
result = run("selftest")
expect("a device without defects passes its self-test", result)
result_of_one = run("selftest", "2")
tap.ok(result_of_one.stdout == b"TAP version 13\nok 1 - ciphertexts are those that SP 800-38A gives\n1..1\n",
       "one test may be run alone", result_of_one.stdout)
passed = re.findall(r"^ok \d+ - (.*)$", result.stdout.decode(), re.M)
tap.ok(result.stdout.endswith(f"\n1..{len(passed)}\n".encode()) and b"not ok" not in result.stdout, "in TAP",
       result.stdout)
for defect, sentence in (
        ("null", "digests are those that FIPS 180-4 gives"), ("null", "ciphertexts are those that SP 800-38A gives"),
        ("cut", "digests of all lengths are those that Windows computes"),
        ("flip", "data of all lengths is encrypted as Windows does, and decrypted again"),
        ("spill", "nothing beside the data is written"), ("nochain", "a message in parts has the digest of the whole"),
        ("anylength", "lengths that can not be are refused"),
        ("anystruct", "structures that are not as they should be are refused"),
        ("anycode", "requests that are unknown or not allowed are refused"),
        ("anyorder", "requests out of order are refused"), ("onekey", "the key of one handle serves no other"),
        ("onekey", "many requests of many handles are served, each with its key"),
        ("cancelbad", "cancelled requests end, and the others are served"),
        ("cancelkills", "a request that is cancelled on the hardware ends, and the device goes on"),
        ("anyorder", "a message that is not continued keeps nobody waiting for long"),
        ("nostat", "requests are counted")):
    result = run("selftest", passed.index(sentence) + 1 if sentence in passed else "999", fake=defect)
    failed = re.findall(r"^not ok \d+ - (.*)$", result.stdout.decode(), re.M)
    tap.ok(result.returncode == 1 and failed == [sentence], f"{defect} is found: {sentence}", failed)
    tap.ok(result.stderr == b"cryptoctl: 1 of 1 tests failed.\n", "and counted", result.stderr)
expect("a test that is not there", run("selftest", "99"), status=2, error=b"there is no test 99; they are 1 to ")

tap.done()
