#!/usr/bin/env python3
"""Checks one house rule on the source tree, and prints every place that breaks it.

usage: house_rules.py RULE SOURCE_DIR [PROGRAM_DIR]

RULE is the name of one of the functions below that are marked @rule; each says what it wants and why.
PROGRAM_DIR is where the built programs are (build/release/bin). Exit code 1: the rule is broken somewhere.
"""

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

# Who may include whom (docs/design.md, "Folders"). tests/, bench/ and tools/ may include everything.
MAY_INCLUDE = {
    "base": {"base"},
    "shm": {"base", "shm"},
    "watch": {"base", "watch"},
    "jobs": {"base", "jobs"},
    "search": {"base", "search"},
    "index": {"base", "search", "index"},
    "workerproc": {"base", "shm", "jobs", "search", "include", "workerproc"},
    "control": {"base", "control"},
    "daemon": {"base", "shm", "jobs", "search", "index", "control", "daemon"},
    "service": {"base", "watch", "search", "index", "control", "daemon", "service"},
    "cli": {"base", "jobs", "search", "index", "control", "daemon", "cli"},
}

# Headers that belong to certain folders only: image bytes are parsed in workers, SQL is spoken in index/. Those of OpenCV
# are in the parts of pairloom-worker-opencv: what the other worker is made of must not need them.
FOREIGN_HEADERS = (
    (("workerproc/opencv", "workerproc/descriptors", "workerproc/features"), re.compile(r"opencv2/")),
    (("workerproc",), re.compile(r"jpeglib\.h|turbojpeg\.h|png\.h|libdeflate\.h|webp/|tiff\w*\.h|gif_lib\.h|libexif/|"
                                r"dav1d/|libde265/|openjpeg\.h|libraw/|jxl/")),
    (("index",), re.compile(r"sqlite3\.h")),
)

# Shared objects a program must not load, directly or through others: attack surface, and start-up time.
OPENCV = r"libopencv|liblapack|libblas|libopenblas|libtbb|libX11|libGL"
CODECS = re.compile(OPENCV + r"|lib(turbojpeg|jpeg|png|deflate|webp|tiff|gif|exif|dav1d|de265|openjp2|raw|jxl|heif)")
FORBIDDEN_LIBRARIES = {
    "pairloom": CODECS,
    "pairloomd": CODECS,
    "pairloom-worker": re.compile(OPENCV + r"|libsqlite"),
    "pairloom-worker-opencv": re.compile(r"libsqlite"),
}

MEANINGLESS_NAMES = {"util", "utils", "utility", "common", "helper", "helpers", "manager", "misc"}
NOT_SOURCE = {".git", ".cache", "build", "__pycache__"}
MAX_LINES = 500

RULES = {}


def rule(function):
    RULES[function.__name__] = function
    return function


class Tree:
    """The files of a source directory, by their path relative to it."""

    def __init__(self, source_dir, program_dir=None):
        self.root = Path(source_dir)
        self.program_dir = Path(program_dir) if program_dir else None
        self.paths = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(set(folders) - NOT_SOURCE)
            self.paths += [PurePosixPath((Path(folder) / f).relative_to(self.root)) for f in sorted(files)]

    def ending_in(self, *suffixes):
        return [p for p in self.paths if p.suffix in suffixes]

    def named(self, name):
        return [p for p in self.paths if p.name == name]

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), start=1)

    def exists(self, path):
        return (self.root / path).exists()

    def code(self):
        return self.ending_in(".h", ".cpp")

    def includes(self, path):
        """(line number, header, True if in quotes) of each #include."""
        for number, line in self.lines(path):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            if found:
                yield number, found.group(2), found.group(1) == '"'


@rule
def includes(tree):
    """A folder includes only folders below it, by paths from the root; a test also what lies beside it."""
    for path in tree.code():
        folder = path.parts[0]
        for number, header, quoted in tree.includes(path):
            if not quoted or (folder == "tests" and tree.exists(path.parent / header)):
                continue
            if not tree.exists(header):
                yield f'{path}:{number}: "{header}" is no path from the root'
            elif folder in MAY_INCLUDE and PurePosixPath(header).parts[0] not in MAY_INCLUDE[folder]:
                yield f"{path}:{number}: {folder}/ must not include {header}"


@rule
def links(tree):
    """A folder's CMake targets link only targets of folders below it."""
    folder_of_target = {}
    for path in tree.named("CMakeLists.txt"):
        for target in re.findall(r"(?:pairloom_library|add_executable|add_library)\(\s*([\w-]+)", tree.text(path)):
            folder_of_target[target] = path.parts[0]
    for path in tree.named("CMakeLists.txt"):
        folder = path.parts[0]
        if folder not in MAY_INCLUDE:
            continue
        text = re.sub(r"#.*", "", tree.text(path))
        for call in re.finditer(r"(?:target_link_libraries|pairloom_library|pairloom_test)\(([^)]*)\)", text):
            for target in call.group(1).split():
                if folder_of_target.get(target, folder) not in MAY_INCLUDE[folder]:
                    number = text.count("\n", 0, call.start()) + 1
                    yield f"{path}:{number}: {folder}/ must not link {target}"


@rule
def foreign_headers(tree):
    """OpenCV is included in the parts of pairloom-worker-opencv only, the codecs in workerproc/, SQLite in index/."""
    for path in tree.code():
        for owners, pattern in FOREIGN_HEADERS:
            if path.parts[0] not in MAY_INCLUDE or any(path.is_relative_to(owner) for owner in owners):
                continue
            for number, header, _ in tree.includes(path):
                if pattern.match(header):
                    yield f"{path}:{number}: {header} belongs into {', '.join(owners)} only"


@rule
def loaded_libraries(tree):
    """pairloom and pairloomd load neither OpenCV nor a codec, the workers no SQLite, pairloom-worker no OpenCV either."""
    checked = 0
    for program, forbidden in FORBIDDEN_LIBRARIES.items():
        path = tree.program_dir / program
        if not path.exists():
            continue
        checked += 1
        loaded = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for line in loaded.splitlines():
            library = line.split()[0]
            if forbidden.match(PurePosixPath(library).name):
                yield f"{program} loads {library}"
    if checked < 3:
        yield f"pairloom and its workers are not in {tree.program_dir}"


@rule
def header_form(tree):
    """A header opens with a comment that says what it is for and in which process it runs; then #pragma once."""
    for path in tree.ending_in(".h"):
        opening, pragma, _ = tree.text(path).partition("#pragma once\n")
        if not pragma:
            yield f"{path}: no #pragma once"
        elif any(line and not line.startswith("//") for line in opening.splitlines()):
            yield f"{path}: something else than a comment stands before #pragma once"
        elif path.parts[0] != "tests" and "Runs in:" not in opening.replace("\n// ", " "):
            yield f"{path}: the opening comment does not say 'Runs in:'"


@rule
def file_names(tree):
    """No file or folder has a name that says nothing."""
    for path in tree.paths:
        words = {word for part in path.parts for word in re.split(r"[_.-]", part.lower())}
        for word in sorted(words & MEANINGLESS_NAMES):
            yield f"{path}: name it by its noun or verb, not '{word}'"


@rule
def file_sizes(tree):
    """Source files stay readable in one go: about 400 lines, never more than MAX_LINES."""
    for path in tree.code():
        count = len(tree.text(path).splitlines())
        if path.parts[0] in MAY_INCLUDE and count > MAX_LINES:
            yield f"{path}: {count} lines, more than {MAX_LINES}"


@rule
def built_sources(tree):
    """Every .cpp is named in a CMakeLists.txt of its folder or one above: what nobody builds is dead."""
    for path in tree.ending_in(".cpp"):
        for above in path.parents:
            cmake = above / "CMakeLists.txt"
            name = rf"(?<![\w/]){re.escape(str(path.relative_to(above)))}(?![\w/])"
            if tree.exists(cmake) and re.search(name, tree.text(cmake)):
                break
        else:
            yield f"{path}: no CMakeLists.txt names it"


@rule
def no_logging(tree):
    """base, shm, watch, jobs, search and index do not print: the programs say things once, where the decision is made."""
    printing = re.compile(r"\bstd::c(out|err|log)\b|\b(f?printf|fmt::print|perror|syslog)\s*\(|\bsd_journal_")
    for path in tree.code():
        if path.parts[0] not in ("base", "shm", "watch", "jobs", "search", "index"):
            continue
        may_abort = "std::abort()" in tree.text(path)  # a broken invariant says so on stderr
        for number, line in tree.lines(path):
            code = line.split("//")[0]
            if printing.search(code) and not (may_abort and "stderr" in code):
                yield f"{path}:{number}: prints: {line.strip()}"


@rule
def no_sleeping(tree):
    """Every wait is for an event; nothing sleeps and looks again, not even in tests."""
    for path in tree.code():
        for number, line in tree.lines(path):
            if re.search(r"\b(u?sleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(", line.split("//")[0]):
                yield f"{path}:{number}: sleeps: {line.strip()}"


@rule
def shell_scripts(tree):
    """Shell scripts stop at the first error."""
    for path in tree.paths:
        if path.suffix not in ("", ".sh") or not os.access(tree.root / path, os.X_OK):
            continue
        text = (tree.root / path).read_bytes()
        if re.match(rb"#!.*\b(ba)?sh\b", text) and b"\nset -euo pipefail\n" not in text:
            yield f"{path}: no 'set -euo pipefail'"


def required_by_cmake(text):
    """Names of what a CMake file cannot do without; simple foreach loops are followed."""
    text = re.sub(r"#.*", "", text)

    def unroll(match):
        return "\n".join(match.group(3).replace("${" + match.group(1) + "}", item) for item in match.group(2).split())

    text = re.sub(r"foreach\((\w+)\s+([^)]*)\)(.*?)endforeach\(\)", unroll, text, flags=re.S)
    for command, arguments in re.findall(r"(find_package|pkg_check_modules|find_library)\(([^)]*)\)", text):
        words = arguments.split()
        if "REQUIRED" not in words:
            continue
        if command == "find_package":
            yield words[0]
        elif command == "find_library":
            yield words[1]
        else:
            settings = {"REQUIRED", "IMPORTED_TARGET", "QUIET", "GLOBAL", "STATIC_TARGET"}
            yield from (re.split(r"[<>=]", word)[0] for word in words[1:] if word not in settings)


@rule
def packages(tree):
    """Whatever CMake requires has its Debian package in tools/debian-packages.txt, under the name CMake uses; and what
    building needs, debian/control needs too."""
    lines = (line for _, line in tree.lines("tools/debian-packages.txt"))
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) != 3:
            yield f"tools/debian-packages.txt: not three words: {' '.join(row)}"
    known = {row[-1] for row in rows}
    for path in tree.named("CMakeLists.txt") + tree.ending_in(".cmake"):
        for name in required_by_cmake(tree.text(path)):
            if name not in known:
                yield f"{path}: requires {name}, which tools/debian-packages.txt does not know"
    if tree.exists("debian/control"):
        field = re.search(r"^Build-Depends:(.*(?:\n .*)*)", tree.text("debian/control"), flags=re.M)
        control = set(re.findall(r"[\w.+-]+(?=\s*(?:\(|,|$))", field.group(1)))
        build = {row[1] for row in rows if row[0] == "build"} - {"g++"}  # every Debian build has a compiler
        for name in sorted(build ^ (control - {"debhelper-compat"})):
            yield f"debian/control: Build-Depends and group build of tools/debian-packages.txt differ in {name}"


def anchors(markdown):
    """The anchors GitHub gives the headings of a document."""
    for heading in re.findall(r"^#+\s+(.*)$", markdown, flags=re.M):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@rule
def documents(tree):
    """Links in documents lead somewhere, and so do the names of documents that code and documents mention."""
    for path in tree.ending_in(".md"):
        for number, line in tree.lines(path):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"\w+:", target):  # https:, mailto:
                    continue
                file, _, anchor = target.partition("#")
                linked = PurePosixPath(os.path.normpath(path.parent / file)) if file else path
                if not tree.exists(linked):
                    yield f"{path}:{number}: there is no {target}"
                elif anchor and anchor not in anchors(tree.text(linked)):
                    yield f"{path}:{number}: {linked} has no heading #{anchor}"
    for path in tree.code() + tree.ending_in(".md", ".cmake", ".txt", ".py", ".sh"):
        if path.parts[:2] == ("tests", "structure"):
            continue  # its examples name documents that are not there
        for number, line in tree.lines(path):
            for document in re.findall(r"(?<![(\[/])\bdocs/\w+\.md\b", line):
                if not tree.exists(document):
                    yield f"{path}:{number}: there is no {document}"


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in RULES:
        print(__doc__, "\nRules:", file=sys.stderr)
        for name, function in RULES.items():
            print(f"  {name}: {function.__doc__}", file=sys.stderr)
        return 2
    broken = list(RULES[sys.argv[1]](Tree(*sys.argv[2:])))
    for place in broken:
        print(place)
    if broken:
        print(f"\nThe rule: {RULES[sys.argv[1]].__doc__}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
