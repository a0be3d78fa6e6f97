#!/usr/bin/env python3
"""Measures indexing, and prints the tables of docs/benchmarks.md. See bench/README.md.

Everything that is compared is run in turn, round by round, on files in the page cache; a table shows medians, their
spread, and the ratio of the medians. Times from a shared machine mean little alone, ratios mean more.
"""

import argparse
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-opencv is for
GOOD_EXIT_CODES = (0, 3)  # 3: done, some files are unreadable


def as_shown(command):
    """A command line as people would type it: without this machine's directories."""
    return shlex.join(Path(word).name if word.startswith("/") else word for word in command)


class Contestant:
    """A command line that is timed, with what has to be done before each run of it."""

    def __init__(self, name, command, before_each=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.before_each = before_each or (lambda: None)
        self.seconds = []

    def run(self):
        self.before_each()
        started = time.perf_counter()
        done = subprocess.run(self.command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seconds.append(time.perf_counter() - started)
        if done.returncode not in GOOD_EXIT_CODES:
            output = done.stdout.decode(errors="replace")
            sys.exit(f"{shlex.join(self.command)}\nended with {done.returncode}:\n{output}")

    def median(self):
        return statistics.median(self.seconds)


def measure(contestants, rounds):
    for contestant in contestants:  # a round that does not count: page cache, start-up
        contestant.run()
        contestant.seconds.clear()
    for number in range(rounds):
        for contestant in contestants:
            say(f"  round {number + 1} of {rounds}: {contestant.name}")
            contestant.run()


def say(text):
    print(text, file=sys.stderr, flush=True)


def print_table(title, contestants, images, rounds, ratio="as fast as"):
    """The last column: ratio to the first contestant, of speeds ("as fast as") or of times ("as long as")."""
    base = contestants[0].median()
    print(f"\n### {title}\n")
    print(f"{images:,} files; median of {rounds} interleaved rounds, least and most in brackets.\n")
    print(f"| | seconds | files/s | times {ratio} {contestants[0].name} |")
    print("|---|---|---|---|")
    for each in contestants:
        spread = f"{each.median():.3f} ({min(each.seconds):.3f} - {max(each.seconds):.3f})"
        times = base / each.median() if ratio == "as fast as" else each.median() / base
        print(f"| {each.name} | {spread} | {images / each.median():,.0f} | {times:.2f} |")
    print("\nCommands:\n\n```")
    for each in contestants:
        print(as_shown(each.command))
    print("```")


def peak_memory_bytes(command):
    """Highest resident set of the process itself, and of its largest child, over its life.

    Not from getrusage: there a process passes on the peak of the Python it was forked from, and its own waited-for
    children count too. VmHWM starts afresh at exec and never falls, so the last look before the end has the peak, but
    for what was touched in the last few milliseconds.
    """
    command = [str(word) for word in command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own, largest_child = 0, 0
    while process.poll() is None:
        own = high_water_bytes(process.pid) or own
        for child in children(process.pid):
            largest_child = max(largest_child, high_water_bytes(child) or 0)
        time.sleep(0.005)
    if process.returncode not in GOOD_EXIT_CODES:
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
    return own, largest_child


def high_water_bytes(pid):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has just ended
    return None  # a zombie has no memory


def children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def count_files(directory):
    return sum(not name.startswith(".") for _, _, names in os.walk(directory) for name in names)


def describe_machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{model}, {len(os.sched_getaffinity(0))} CPUs, {memory:.0f} GB, Linux {platform.release()}"


class Benchmark:
    def __init__(self, options, scratch):
        self.pairloom = options.pairloom
        self.rounds = options.rounds
        self.jobs = options.jobs
        self.scratch = scratch

    def add(self, index, images, jobs, *more):
        return [self.pairloom, "index", "add", "--quiet", "--index", index, "--jobs", jobs, *more, images]

    def fresh(self, name, images, jobs, *more):
        """Indexing into a new index each time."""
        folder = self.scratch / "fresh"
        return Contestant(name, self.add(folder / "index.db", images, jobs, *more),
                          before_each=lambda: shutil.rmtree(folder, ignore_errors=True))

    def against_tutorial(self, images):
        tutorial = HERE / "tutorial_dhash.py"
        contestants = [
            Contestant(f"tutorial, {self.jobs} processes", [DEBIAN_PYTHON, tutorial, images, self.jobs]),
            self.fresh(f"pairloom, {self.jobs} workers", images, self.jobs),
            self.fresh(f"pairloom, the tutorial's dHash, {self.jobs} workers", images, self.jobs,
                       "--features", "dhash-tutorial", "--accuracy", "full"),
        ]
        measure(contestants, self.rounds)
        print_table("Indexing, beside the tutorial's pipeline", contestants, count_files(images), self.rounds)

    def scaling(self, images):
        contestants = [self.fresh("pairloom, 1 worker", images, 1),
                       self.fresh(f"pairloom, {self.jobs} workers", images, self.jobs)]
        measure(contestants, self.rounds)
        print_table("More workers", contestants, count_files(images), self.rounds)

    def unchanged(self, images, title):
        index = self.scratch / "unchanged" / "index.db"
        shutil.rmtree(index.parent, ignore_errors=True)
        find = ["find", images, "-type", "f", "-printf", r"%s %T@\n"]
        contestants = [Contestant("find", find),
                       Contestant("pairloom, nothing changed", self.add(index, images, self.jobs))]
        measure(contestants, self.rounds)  # the round that does not count makes the index
        print_table(title, contestants, count_files(images), self.rounds, "as long as")

    def memory(self, trees):
        print("\n### Peak memory\n\nHighest resident set (VmHWM) while indexing into a new index.\n")
        print("| files | supervisor | largest worker |\n|---|---|---|")
        for tree in trees:
            folder = self.scratch / "memory"
            shutil.rmtree(folder, ignore_errors=True)
            say(f"  memory: {tree}")
            own, child = peak_memory_bytes(self.add(folder / "index.db", tree, self.jobs))
            print(f"| {count_files(tree):,} | {own / 1e6:.1f} MB | {child / 1e6:.1f} MB |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="a directory of images")
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom",
                        help="the program to measure (default: the one ./run builds)")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="workers and processes (default: %(default)s)")
    parser.add_argument("--small-files", type=int, default=200_000, metavar="N",
                        help="size of the tree of small files that is made for the re-run and for memory; 0: leave "
                             "these out (default: %(default)s)")
    parser.add_argument("--scratch", type=Path,
                        help="where indexes and small files go (default: a directory in /tmp, removed again)")
    options = parser.parse_args()
    options.images = options.images.resolve()
    if not options.pairloom.exists():
        sys.exit(f"index_benchmark.py: there is no '{options.pairloom}'; ./run builds it")
    if subprocess.run([DEBIAN_PYTHON, "-c", "import cv2"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit("index_benchmark.py: no OpenCV for Python; tools/install_dependencies.sh bench installs it")

    version = subprocess.run([options.pairloom, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    print(f"Machine: {describe_machine()}  \nProgram: {version}  \n"
          f"Data: {options.images.name}, {count_files(options.images):,} files, in the page cache  \n"
          f"Made by: `bench/index_benchmark.py`, {time.strftime('%Y-%m-%d')}")

    with tempfile.TemporaryDirectory(prefix="pairloom-bench-") as own_scratch:
        scratch = (options.scratch or Path(own_scratch)).resolve()
        scratch.mkdir(parents=True, exist_ok=True)
        benchmark = Benchmark(options, scratch)
        benchmark.against_tutorial(options.images)
        benchmark.scaling(options.images)
        benchmark.unchanged(options.images, "Nothing changed since the last run")
        if options.small_files:
            trees = []
            for count in (options.small_files // 20, options.small_files):
                trees.append(scratch / f"small-{count}")
                say(f"  making {count} small files")
                subprocess.run([sys.executable, HERE / "make_small_files.py", trees[-1], str(count)], check=True)
            benchmark.unchanged(trees[-1], f"Nothing changed, {options.small_files:,} small files")
            benchmark.memory(trees)


if __name__ == "__main__":
    main()
