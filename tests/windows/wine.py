# SPDX-License-Identifier: Apache-2.0
"""Runs programs for Windows under Wine, without a display, with a Windows folder of their own in the build."""

import os
import pathlib
import subprocess

# Where distributions keep Wine's own libraries.
LIBRARIES = ["/usr/lib/x86_64-linux-gnu/wine/x86_64-windows", "/usr/lib64/wine/x86_64-windows",
             "/usr/lib/wine/x86_64-windows"]


class Wine:
    def __init__(self, command, prefix):
        self.command, self.prefix = command, pathlib.Path(prefix).resolve()
        self.environment = dict(os.environ, WINEPREFIX=str(self.prefix), WINEDEBUG="-all", LC_ALL="C.UTF-8")
        self.environment.pop("DISPLAY", None)
        self.environment.pop("CRYPTO_FAKE", None)
        self._prepare()

    def keep(self, *arguments):
        """
        Starts a program that reads its standard input, and does not end before this one. Wine's services start with the
        first program, inherit its pipes, and stop with the last: so that none that is tested has to wait for them.
        """
        self.keeper = self.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)

    def _prepare(self):
        """Wine would copy all of its 700 MB of libraries into the folder. Links do."""
        system = self.prefix / "drive_c/windows/system32"
        folder = next((pathlib.Path(path) for path in LIBRARIES if pathlib.Path(path).is_dir()), None)
        if folder is None or system.exists():
            return
        system.mkdir(parents=True)
        for path in folder.iterdir():
            if path.suffix == ".dll":
                (system / path.name).symlink_to(path)
        (self.prefix / "drive_c/windows/temp").mkdir()
        (self.prefix / ".update-timestamp").write_text("disable\n")

    def run(self, *arguments, fake="", **options):
        """Like subprocess.run(), with the output kept as bytes; `fake`: what CRYPTO_FAKE is set to."""
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        options.setdefault("timeout", 300)  # that one hangs is to be seen, not waited for
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([self.command, *map(str, arguments)], env=self._with(fake), check=False, **options)

    def start(self, *arguments, fake="", **options):
        """Like subprocess.Popen()."""
        return subprocess.Popen([self.command, *map(str, arguments)], env=self._with(fake), **options)

    def _with(self, fake):
        return dict(self.environment, CRYPTO_FAKE=fake) if fake else self.environment
