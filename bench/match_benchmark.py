#!/usr/bin/env python3
"""Measures `pairloom match --method sift` beside the tutorials' Python, and one worker beside several; checks first that
both count the same matches. Prints the tables of docs/benchmarks.md. See bench/README.md."""

import argparse
import subprocess
import sys
from pathlib import Path

from index_benchmark import DEBIAN_PYTHON, HERE, Contestant, measure, print_table


def counts(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True, text=True)
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="a directory of PNG images; the first is the reference")
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom",
                        help="the program to measure (default: the one ./run builds)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="workers and processes (default: %(default)s)")
    options = parser.parse_args()
    paths = sorted(options.images.glob("*.png"))
    if not paths:
        sys.exit(f"match_benchmark.py: there is no PNG in '{options.images}'")

    tutorial = [DEBIAN_PYTHON, HERE / "tutorial_sift.py", options.images, options.jobs]

    def match(jobs):
        return [options.pairloom, "match", "--quiet", "--jobs", jobs, "--method", "sift", paths[0], options.images,
                "--include", "*.png"]

    if counts(tutorial) != counts(match(options.jobs)):
        sys.exit("match_benchmark.py: the two do not count the same matches")

    contestants = [Contestant(f"tutorial, {options.jobs} processes", tutorial),
                   Contestant("pairloom, 1 worker", match(1)),
                   Contestant(f"pairloom, {options.jobs} workers", match(options.jobs))]
    measure(contestants, options.rounds)
    print_table("Matching by SIFT, beside the tutorials' pipeline", contestants, len(paths), options.rounds)
    speedup = contestants[1].median() / contestants[2].median()
    print(f"\nParallel efficiency with {options.jobs} workers: {speedup / options.jobs:.2f}")


if __name__ == "__main__":
    main()
