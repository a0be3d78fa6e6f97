#!/usr/bin/env python3
"""`cmake --install` and tools/make_deb.sh put everything where it belongs.

Environment: PAIRLOOM_BUILD_DIR, the build directory.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import one_test

BUILD = os.environ["PAIRLOOM_BUILD_DIR"]
SOURCE = Path(__file__).resolve().parents[2]

# Below the prefix.
INSTALLED = """
bin/pairloom
include/pairloom/extractor.h
lib/systemd/user/pairloom-update.service
lib/systemd/user/pairloom-update.timer
libexec/pairloom/pairloom-opener
libexec/pairloom/pairloom-worker
share/bash-completion/completions/pairloom
share/fish/vendor_completions.d/pairloom.fish
share/man/man1/pairloom.1
share/zsh/vendor-completions/_pairloom
""".split()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=280, **more)


class InTemporaryDirectory(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)


class Install(InTemporaryDirectory):
    def install(self, *arguments, **environment):
        done = run("cmake", "--install", BUILD, *arguments, env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_everything_is_below_the_prefix(self):
        self.install("--prefix", str(self.folder / "usr"))
        found = sorted(str(p.relative_to(self.folder / "usr")) for p in self.folder.rglob("*") if p.is_file())
        self.assertEqual(found, sorted(INSTALLED))

    def test_installed_programs_find_each_other(self):
        self.install("--prefix", str(self.folder / "usr"))
        done = run(self.folder / "usr/bin/pairloom", "doctor", "-o", "jsonl", "--index", self.folder / "none.db")
        findings = {f["subject"]: f for f in map(json.loads, done.stdout.splitlines())}
        worker = os.path.realpath(findings["worker"]["text"])
        self.assertEqual(worker, os.path.realpath(self.folder / "usr/libexec/pairloom/pairloom-worker"))
        self.assertIn("decoder jpeg", findings)


@unittest.skipUnless(shutil.which("dh") and shutil.which("dpkg-buildpackage"), "debhelper is not installed")
class Packages(InTemporaryDirectory):
    def setUp(self):
        super().setUp()
        made = run(SOURCE / "tools/make_deb.sh", "--build-dir", BUILD, "--output", self.folder)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        self.packages = {Path(p).name.split("_")[0]: p for p in made.stdout.split()}

    def field(self, package, name):
        return run("dpkg-deb", "-f", self.packages[package], name).stdout.strip()

    def test_depend_on_what_the_programs_load(self):
        needed = self.field("pairloom", "Depends")
        for library in ("libc6", "libsqlite3-0", "libopencv-imgproc", "libjpeg62-turbo", "libseccomp2", "libhwloc15"):
            self.assertIn(library, needed)

    def test_hold_what_is_installed(self):
        held = set()
        for package in self.packages.values():
            for line in run("dpkg-deb", "-c", package).stdout.splitlines():
                held.add(line.split()[5].removeprefix("./").removesuffix(".gz"))
        for path in INSTALLED:
            self.assertTrue({f"usr/{path}", path} & held, path)

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_are_as_debian_wants_them(self):
        said = run("lintian", "--allow-root", "--fail-on", "error,warning", "--display-level", ">=warning", *self.packages.values())
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)


if __name__ == "__main__":
    one_test.main()
