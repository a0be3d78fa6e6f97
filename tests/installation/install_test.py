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
etc/pairloom/pairloom.toml
lib/systemd/system/pairloomd.service
lib/systemd/system/pairloomd.socket
lib/systemd/system/pairloomd@.service
lib/systemd/user/pairloom-update.service
lib/systemd/user/pairloom-update.timer
lib/systemd/user/pairloomd.service
libexec/pairloom/pairloom-control
libexec/pairloom/pairloom-opener
libexec/pairloom/pairloom-worker
libexec/pairloom/pairloom-worker-opencv
lib/sysusers.d/pairloom.conf
lib/tmpfiles.d/pairloom.conf
sbin/pairloomd
share/bash-completion/completions/pairloom
share/fish/vendor_completions.d/pairloom.fish
share/man/man1/pairloom.1
share/man/man5/pairloom.toml.5
share/man/man8/pairloomd.8
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
        for subject, program in (("worker", "pairloom-worker"), ("worker opencv", "pairloom-worker-opencv")):
            self.assertEqual(os.path.realpath(findings[subject]["text"]),
                             os.path.realpath(self.folder / "usr/libexec/pairloom" / program))
        self.assertIn("decoder jpeg", findings)

    def test_a_configuration_that_is_there_stays(self):
        config = self.folder / "usr/etc/pairloom/pairloom.toml"
        config.parent.mkdir(parents=True)
        config.write_text("mine")
        self.install("--prefix", str(self.folder / "usr"))
        self.assertEqual(config.read_text(), "mine")

    def test_the_configuration_that_is_installed_is_right(self):
        self.install("--prefix", str(self.folder / "usr"))
        done = run(self.folder / "usr/sbin/pairloomd", "--check", "--config", self.folder / "usr/etc/pairloom/pairloom.toml")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Units(InTemporaryDirectory):
    """Of the service, as they are installed, judged by systemd itself."""

    def setUp(self):
        super().setUp()
        done = run("cmake", "--install", BUILD, "--prefix", str(self.folder / "usr"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.system = self.folder / "usr/lib/systemd/system"
        self.user = self.folder / "usr/lib/systemd/user"

    def test_are_sound(self):
        shutil.copy(self.system / "pairloomd@.service", self.system / "pairloomd@photos.service")
        for scope, units in (("--system", sorted(self.system.glob("*.service")) + [self.system / "pairloomd.socket"]),
                             ("--user", sorted(self.user.glob("pairloomd.*")))):
            for unit in units:
                if unit.name.endswith("@.service"):
                    continue  # its instance is there
                said = run("systemd-analyze", scope, "--man=no", "verify", unit, env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)})
                self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""), unit)

    def test_expose_little(self):
        shutil.copy(self.system / "pairloomd@.service", self.system / "pairloomd@photos.service")
        for unit in ("pairloomd.service", "pairloomd@photos.service"):
            said = run("systemd-analyze", "security", "--offline=true", "--threshold=10", self.system / unit)  # 10: 1.0
            self.assertEqual(said.returncode, 0, said.stdout)
            self.assertIn("Overall exposure level", said.stdout)

    def test_a_careless_unit_is_seen(self):
        unit = self.system / "pairloomd.service"
        unit.write_text(unit.read_text().replace("SystemCallFilter=", "#").replace("NoNewPrivileges=yes", "NonsensePrivileges=yes"))
        self.assertNotEqual(run("systemd-analyze", "security", "--offline=true", "--threshold=10", unit).returncode, 0)
        self.assertIn("NonsensePrivileges", run("systemd-analyze", "--man=no", "verify", unit).stderr)


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
        for library in ("libc6", "libsqlite3-0", "libopencv-imgproc", "libturbojpeg0", "libseccomp2"):
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
