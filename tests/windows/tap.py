# SPDX-License-Identifier: Apache-2.0
"""Test results in TAP, for the Python tests of this folder."""

import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, condition, sentence, why=""):
        """One result; `why` is shown when it failed."""
        self.count += 1
        if condition:
            print(f"ok {self.count} - {sentence}")
            return
        self.failed += 1
        print(f"not ok {self.count} - {sentence}")
        for line in str(why).splitlines():
            print(f"# {line}")

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)
