#!/usr/bin/env python3
"""Measures `pairloom transform`, and prints the tables of docs/benchmarks.md. See bench/README.md.

Everything that is compared is run in turn, round by round; a table shows medians, their spread, and the ratio of the
medians. Before anything is timed, the tutorial's picture and pairloom's are compared: they must be equal, byte for byte.
"""

import argparse
import math
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from index_benchmark import HERE, Contestant, as_shown, describe_machine, measure, say


def write_world(path, width, height):
    """A map of the world that never was: smooth seas and lands, and a grid."""
    rows = bytearray()
    waves = [[math.sin(x * f / width * 6.28318 + f * f) for x in range(width)] for f in (2, 3, 5, 9)]
    for y in range(height):
        down = [math.cos(y * f / height * 6.28318 + f) for f in (3, 2, 7, 4)]
        grid = y % (height // 12) == 0
        for x in range(width):
            level = sum(w[x] * d for w, d in zip(waves, down))
            if grid or x % (width // 24) == 0:
                rows += b"\xff\xff\xff"
            elif level > 0.4:
                rows += bytes((150 + int(25 * level), 180 + int(15 * level), 105))
            else:
                rows += bytes((40, 105 + int(15 * level), 185 + int(15 * level)))
    path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + rows)


def print_table(title, about, contestants, pixels):
    base = contestants[0].median()
    print(f"\n### {title}\n\n{about}\n")
    print(f"| | seconds | megapixels/s | times as fast as {contestants[0].name} |")
    print("|---|---|---|---|")
    for each in contestants:
        spread = f"{each.median():.3f} ({min(each.seconds):.3f} - {max(each.seconds):.3f})"
        print(f"| {each.name} | {spread} | {pixels / each.median() / 1e6:,.1f} | {base / each.median():.2f} |")
    print("\nCommands:\n\n```")
    for each in contestants:
        print(as_shown(each.command))
    print("```")


class Benchmark:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch

    def transform(self, name, source, out, jobs, *more):
        return Contestant(name, [self.options.pairloom, "transform", source, out, "--force", "--quiet", "--jobs", jobs,
                                 "--map", "transverse-mercator", *more])

    def against_tutorial(self, width, height):
        source, jobs = self.scratch / "world.ppm", self.options.jobs
        say(f"  drawing {width}x{height}")
        write_world(source, width, height)
        tutorial = HERE / "tutorial_mercator.py"
        theirs = [Contestant(f"tutorial, {n} {'process' if n == 1 else 'processes'}",
                             [sys.executable, tutorial, source, self.scratch / "tutorial.ppm", n])
                  for n in sorted({1, jobs}, reverse=True)]
        same = self.transform("pairloom, the same pixels", source, self.scratch / "same.ppm", jobs,
                              "--precision", "tutorial")
        theirs[0].run()
        same.run()
        if (self.scratch / "tutorial.ppm").read_bytes() != (self.scratch / "same.ppm").read_bytes():
            sys.exit("the tutorial's picture and pairloom's are not equal")
        contestants = theirs + [
            same,
            self.transform("pairloom, PNG", source, self.scratch / "out.png", jobs, "--precision", "tutorial"),
            self.transform("pairloom, bilinear, PNG", source, self.scratch / "bilinear.png", jobs),
        ]
        for each in contestants:
            each.seconds.clear()
        measure(contestants, self.options.rounds)
        print_table("Transforms, beside the tutorial's",
                    f"A map of {width}x{height}; the whole program is timed: start, decoding, encoding. Tutorial and "
                    "\"the same pixels\" wrote the same file, byte for byte.", contestants, width * height)

    def scaling(self, side):
        source, jobs = self.scratch / "world.ppm", self.options.jobs
        for name, out in (("PNM", "large.ppm"), ("PNG", "large.png")):
            contestants = [self.transform(f"{n} {'worker' if n == 1 else 'workers'}", source, self.scratch / out, n,
                                          "--size", f"{side}x{side}") for n in sorted({1, jobs})]
            measure(contestants, self.options.rounds)
            print_table(f"Transforms by more workers: {name}", f"The same map, {side}x{side} pixels of output.",
                        contestants, side * side)
            efficiency = statistics.median(a / b for a, b in zip(contestants[0].seconds, contestants[-1].seconds)) / jobs
            print(f"\nParallel efficiency, median of the rounds: {efficiency:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom",
                        help="the program to measure (default: the one ./run builds)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="workers and processes (default: %(default)s)")
    parser.add_argument("--size", default="2000x1000", help="of the map (default: %(default)s)")
    parser.add_argument("--large", type=int, default=10000, metavar="SIDE",
                        help="side of the output that more workers share; 0: leave it out (default: %(default)s)")
    options = parser.parse_args()
    options.pairloom = options.pairloom.resolve()
    if not options.pairloom.exists():
        sys.exit(f"transform_benchmark.py: there is no '{options.pairloom}'; ./run builds it")
    width, height = map(int, options.size.split("x"))
    print(f"Machine: {describe_machine()}  \nMade by: `bench/transform_benchmark.py`, {time.strftime('%Y-%m-%d')}")
    scratch = Path(tempfile.mkdtemp(prefix="pairloom-bench-"))
    try:
        benchmark = Benchmark(options, scratch)
        benchmark.against_tutorial(width, height)
        if options.large:
            benchmark.scaling(options.large)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
