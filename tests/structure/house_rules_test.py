#!/usr/bin/env python3
"""The house rules must be able to fail: each is given a small tree that keeps it and one that breaks it."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source tree
import house_rules


class HouseRules(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text, executable=False):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if executable:
            file.chmod(0o755)

    def broken(self, rule):
        return list(house_rules.RULES[rule](house_rules.Tree(self.root, self.root / "bin")))

    def assert_kept(self, rule):
        self.assertEqual(self.broken(rule), [])

    def assert_broken(self, rule, place):
        broken = self.broken(rule)
        self.assertEqual(len(broken), 1, broken)
        self.assertIn(place, broken[0])

    def test_includes(self):
        self.write("base/fd.h", "")
        self.write("index/rows.h", '#include "base/fd.h"\n')
        self.assert_kept("includes")
        self.write("base/fd.cpp", '#include "index/rows.h"\n')
        self.assert_broken("includes", "base/fd.cpp:1")

    def test_includes_are_written_from_the_root(self):
        self.write("base/fd.h", "")
        self.write("tests/fixture.h", "")
        self.write("tests/fd_test.cpp", '#include "fixture.h"\n')
        self.assert_kept("includes")
        self.write("base/fd.cpp", '#include "fd.h"\n')
        self.assert_broken("includes", "base/fd.cpp:1")

    def test_links(self):
        self.write("base/CMakeLists.txt", "pairloom_library(pairloom_base SOURCES fd.cpp)\n")
        self.write("index/CMakeLists.txt", "pairloom_library(pairloom_index\n  LINK pairloom_base)\n")
        self.write("daemon/CMakeLists.txt", "pairloom_library(pairloom_daemon LINK pairloom_index)\n"
                   "add_dependencies(pairloom_daemon pairloom-worker)\n")
        self.assert_kept("links")
        self.write("workerproc/CMakeLists.txt", "add_executable(pairloom-worker main.cpp)\n"
                   "target_link_libraries(pairloom-worker PRIVATE pairloom_base pairloom_index)\n")
        self.assert_broken("links", "workerproc/CMakeLists.txt:2")

    def test_foreign_headers(self):
        self.write("workerproc/decode/png.cpp", "#include <png.h>\n")
        self.write("workerproc/descriptors/gray.h", "#include <opencv2/core.hpp>\n")
        self.write("tests/support/draw.h", "#include <opencv2/core.hpp>\n")
        self.assert_kept("foreign_headers")
        self.write("workerproc/decode/jpeg.cpp", "#include <opencv2/core.hpp>\n")
        self.assert_broken("foreign_headers", "workerproc/decode/jpeg.cpp:1")
        self.write("workerproc/decode/jpeg.cpp", "")
        self.write("daemon/thumbnail.cpp", "#include <opencv2/core.hpp>\n")
        self.assert_broken("foreign_headers", "daemon/thumbnail.cpp:1")

    def test_loaded_libraries(self):
        (self.root / "bin").mkdir()
        self.assert_broken("loaded_libraries", "are not in")
        for program in ("pairloom", "pairloom-worker", "pairloom-worker-opencv"):
            shutil.copy("/bin/true", self.root / "bin" / program)
        self.assert_kept("loaded_libraries")
        self.addCleanup(house_rules.FORBIDDEN_LIBRARIES.update, dict(house_rules.FORBIDDEN_LIBRARIES))
        house_rules.FORBIDDEN_LIBRARIES["pairloom"] = house_rules.re.compile("libc")
        self.assert_broken("loaded_libraries", "pairloom loads libc")

    def test_header_form(self):
        self.write("base/fd.h", "// Fd: owns a descriptor. Runs in:\n// any process.\n#pragma once\n")
        self.assert_kept("header_form")
        self.write("base/fd.h", "// Fd: owns a descriptor.\n#pragma once\n")
        self.assert_broken("header_form", "Runs in:")
        self.write("base/fd.h", "// Runs in: any process.\n#ifndef FD_H\n")
        self.assert_broken("header_form", "no #pragma once")
        self.write("base/fd.h", "// Runs in: any process.\n#include <vector>\n#pragma once\n")
        self.assert_broken("header_form", "before #pragma once")

    def test_file_names(self):
        self.write("base/commonplace.cpp", "")
        self.assert_kept("file_names")
        self.write("base/string_utils.cpp", "")
        self.assert_broken("file_names", "utils")

    def test_file_sizes(self):
        self.write("base/fd.cpp", "\n" * house_rules.MAX_LINES)
        self.assert_kept("file_sizes")
        self.write("base/fd.cpp", "\n" * (house_rules.MAX_LINES + 1))
        self.assert_broken("file_sizes", "base/fd.cpp")

    def test_built_sources(self):
        self.write("base/CMakeLists.txt", "pairloom_library(b SOURCES fd.cpp deep/down.cpp)\n")
        self.write("base/fd.cpp", "")
        self.write("base/deep/down.cpp", "")
        self.assert_kept("built_sources")
        self.write("base/d.cpp", "")
        self.assert_broken("built_sources", "base/d.cpp")

    def test_no_logging(self):
        self.write("cli/main.cpp", 'int main() { printf("x"); }\n')
        self.write("base/fd.cpp", 'snprintf(buffer, 3, "x");  // not printf("x")\n')
        self.write("shm/invariant.h", 'std::fprintf(stderr, "broken"); std::abort();\n')
        self.assert_kept("no_logging")
        self.write("index/schema.cpp", 'std::cout << "x";\n')
        self.assert_broken("no_logging", "index/schema.cpp:1")

    def test_no_sleeping(self):
        self.write("shm/ring.cpp", "// may sleep (on the socket)\n")
        self.assert_kept("no_sleeping")
        self.write("tests/process/kill_test.cpp", "std::this_thread::sleep_for(1s);\n")
        self.assert_broken("no_sleeping", "kill_test.cpp:1")

    def test_shell_scripts(self):
        self.write("run", "#!/usr/bin/env bash\nset -euo pipefail\n", executable=True)
        self.assert_kept("shell_scripts")
        self.write("run", "#!/usr/bin/env bash\necho\n", executable=True)
        self.assert_broken("shell_scripts", "run")

    def test_packages(self):
        self.write("tools/debian-packages.txt",
                   "build libfmt-dev fmt\nbuild libsqlite3-dev sqlite3\nbuild cv opencv_core\n")
        self.write("cmake/dependencies.cmake", "find_package(fmt REQUIRED)\nfind_package(Unused)\n"
                   "pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)\n"
                   "foreach(module core)\n find_library(OPENCV_${module} opencv_${module} REQUIRED)\nendforeach()\n")
        self.assert_kept("packages")
        self.write("tests/CMakeLists.txt", "find_package(GTest REQUIRED)\n")
        self.assert_broken("packages", "GTest")

    def test_packages_of_the_build_are_those_of_the_debian_package(self):
        self.write("tools/debian-packages.txt", "build g++ compiler\nbuild cmake cmake\nbuild libfmt-dev fmt\n")
        self.write("debian/control", "Source: x\nBuild-Depends: debhelper-compat (= 13),\n cmake,\n libfmt-dev (>= 9)\nSection: y\n")
        self.assert_kept("packages")
        self.write("debian/control", "Source: x\nBuild-Depends: debhelper-compat (= 13), cmake\nSection: libfmt-dev\n")
        self.assert_broken("packages", "libfmt-dev")

    def test_packages_sees_every_round_of_a_loop(self):
        self.write("tools/debian-packages.txt", "build cv opencv_core\n")
        self.write("CMakeLists.txt", "foreach(m core flann)\n find_library(X opencv_${m} REQUIRED)\nendforeach()\n")
        self.assert_broken("packages", "opencv_flann")

    def test_documents(self):
        self.write("README.md",
                   "[design](docs/design.md) [rings](docs/design.md#1-the-rings) [web](https://example.org/x)\n")
        self.write("docs/design.md", "## 1. The rings\n[up](../README.md)\n")
        self.write("base/fd.h", "// docs/design.md\n")
        self.assert_kept("documents")
        self.write("README.md", "[design](docs/desing.md)\n")
        self.assert_broken("documents", "docs/desing.md")
        self.write("README.md", "[rings](docs/design.md#2-rings)\n")
        self.assert_broken("documents", "#2-rings")
        self.write("README.md", "")
        self.write("base/fd.h", "// see docs/gone.md\n")
        self.assert_broken("documents", "base/fd.h:1")


if __name__ == "__main__":
    unittest.main()
