#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs test-tool.exe under Wine; its output is TAP.

usage: test-tool.py WINE BUILD_FOLDER TEST_TOOL
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from wine import Wine

wine_command, build, program = sys.argv[1:]
result = Wine(wine_command, pathlib.Path(build) / "wine-tool").run(program)
sys.stdout.buffer.write(result.stdout.replace(b"\r\n", b"\n"))
sys.stderr.buffer.write(result.stderr)
sys.exit(result.returncode)
