#!/usr/bin/env python3
"""Measures pairloom locate beside trackpy, on the same frames in one run. See bench/README.md.

Needs trackpy, numba and Pillow (pip install trackpy numba pillow), in the Python that runs this.

First both results are compared particle by particle. Then all contestants take turns, round by round. What counts is
processor time per frame: it hardly changes when the machine does other work as well. trackpy is timed inside this
process, after its first call (imports and compilation are not counted); pairloom with everything, from the start of the
program to its end.
"""

import argparse
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from index_benchmark import describe_machine, say

HERE = Path(__file__).resolve().parent
COLUMNS = ["y", "x", "mass", "size", "ecc", "signal", "raw_mass", "ep"]

try:
    import numpy
    import pandas
    import trackpy
    from PIL import Image
except ImportError as missing:
    sys.exit(f"locate_benchmark.py: {missing}; pip install trackpy numba pillow")


class Contestant:
    def __init__(self, name, work):
        self.name, self.work = name, work
        self.cpu, self.wall = [], []

    def run(self):
        """Processor time of this process and of all that it has waited for."""
        def cpu():
            usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
            return sum(usage.ru_utime + usage.ru_stime for usage in usages)
        cpu_before, wall_before = cpu(), time.perf_counter()
        self.work()
        self.cpu.append(cpu() - cpu_before)
        self.wall.append(time.perf_counter() - wall_before)


def read(path):
    """One channel of a frame, as the tutorial takes it: image[:, :, 0]."""
    pixels = numpy.array(Image.open(path))
    return pixels if pixels.ndim == 2 else pixels[:, :, 0]


def trackpy_locate(paths, options, engine):
    for path in paths:
        yield trackpy.locate(read(path), options.diameter, invert=options.invert, engine=engine)


def pairloom_locate(paths, options, jobs):
    command = [options.pairloom, "locate", "--quiet", "--diameter", options.diameter, "--jobs", jobs]
    command += ["--invert"] * options.invert + list(paths)
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"pairloom locate ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def compare(paths, options):
    """The largest difference in each column; the particles must be the same."""
    expected = pandas.concat(list(trackpy_locate(paths, options, "numba")), ignore_index=True)
    found = pandas.read_csv(io.BytesIO(pairloom_locate(paths, options, 2)))
    if len(expected) != len(found):
        sys.exit(f"not the same: {len(expected)} particles by trackpy, {len(found)} by pairloom")
    difference = {c: float((expected[c] - found[c]).abs().max()) for c in COLUMNS[:-1]}
    print(f"The same {len(found):,} particles; greatest difference: y {difference['y']:.1e} px, "
          f"x {difference['x']:.1e} px, mass {difference['mass'] / expected['mass'].max():.1e} of the greatest.\n")


def measure(title, paths, options):
    contestants = [
        Contestant("trackpy, as pip installs it (engine python)",
                   lambda: list(trackpy_locate(paths, options, "python"))),
        Contestant("trackpy with numba", lambda: list(trackpy_locate(paths, options, "numba"))),
        Contestant("pairloom, 1 worker", lambda: pairloom_locate(paths, options, 1)),
        Contestant("pairloom, 2 workers", lambda: pairloom_locate(paths, options, 2)),
    ]
    for each in contestants[1:]:  # page cache, compilation
        each.work()
    for number in range(options.rounds):
        for each in contestants:
            say(f"  round {number + 1} of {options.rounds}: {each.name}, {title}")
            each.run()
    base = [statistics.median(each.cpu) for each in contestants[:2]]
    print(f"### {title}\n")
    print("| | processor ms a frame | ms a frame by the clock | times trackpy's frames per core | with numba |")
    print("|---|---|---|---|---|")
    for each in contestants:
        cpu, wall = statistics.median(each.cpu), statistics.median(each.wall)
        spread = f"{1e3 * min(each.cpu) / len(paths):.2f} - {1e3 * max(each.cpu) / len(paths):.2f}"
        print(f"| {each.name} | {1e3 * cpu / len(paths):.2f} ({spread}) | {1e3 * wall / len(paths):.2f} | "
              f"{base[0] / cpu:.1f} | {base[1] / cpu:.1f} |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path, help="a directory of frames")
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom",
                        help="the program to measure (default: the one ./run builds)")
    parser.add_argument("--diameter", type=int, default=13)
    parser.add_argument("--no-invert", dest="invert", action="store_false")
    parser.add_argument("--limit", type=int, default=64, help="so many frames (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: %(default)s)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    trackpy.quiet()
    paths = sorted(p for p in options.frames.iterdir() if p.suffix in (".png", ".tif", ".tiff", ".pgm"))
    paths = paths[:options.limit]
    if not paths:
        sys.exit(f"locate_benchmark.py: no frames in '{options.frames}'")

    print(f"Machine: {describe_machine()}  \nData: {options.frames.name}, {len(paths)} frames of "
          f"{' x '.join(map(str, reversed(read(paths[0]).shape)))} pixels, diameter {options.diameter}  \n"
          f"trackpy {trackpy.__version__}, numpy {numpy.__version__}; median of {options.rounds} interleaved rounds\n")
    compare(paths, options)
    measure(f"Frames as they are ({paths[0].suffix[1:].upper()})", paths, options)
    with tempfile.TemporaryDirectory(prefix="pairloom-bench-") as scratch:
        plain = [Path(scratch) / f"{p.stem}.pgm" for p in paths]
        for path, copy in zip(paths, plain):
            Image.fromarray(read(path)).save(copy)
        measure("The same frames uncompressed (PGM): what locating itself costs", plain, options)


if __name__ == "__main__":
    main()
