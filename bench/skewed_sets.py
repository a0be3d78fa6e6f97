#!/usr/bin/env python3
"""Collections that would be quadratic for a search that pairs all with all: near-identical frames, equal codes, black pictures.

usage: skewed_sets.py PICTURE [--count N] [--pairloom FILE] [--scratch DIR]

PICTURE is what the frames show, at 128x96 and with noise. Prints a Markdown table: seconds and peak memory of `index add`
(which pairs) and of `dups`, of N and of N / 2 pictures each: twice as many should take about twice as long.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy

from index_benchmark import peak_memory_bytes
from make_small_files import make

ROOT = Path(__file__).resolve().parent.parent


def frames(picture, noise):
    random = numpy.random.default_rng(5)

    def draw(number):
        frame = (picture + random.normal(0, noise, picture.shape)).clip(0, 255).astype(numpy.uint8)
        return b"P5\n# %d\n%d %d\n255\n" % (number, frame.shape[1], frame.shape[0]) + frame.tobytes()

    return draw


def black(number):
    return b"P5\n# %d\n64 48\n255\n" % number + bytes(64 * 48)


def measure(command):
    start = time.monotonic()
    own, child = peak_memory_bytes(command)
    return f"{time.monotonic() - start:.1f} s, {own / 1e6:.0f} MB" + (f" + {child / 1e6:.0f}" if child else "")


def row(name, pairloom, scratch, count, draw):
    pictures, index = scratch / "pictures", scratch / "index.db"
    make(pictures, count, draw)
    cells = [measure([pairloom, "--index", index, "-q", "index", "add", pictures])]
    for linkage in ("star", "single"):
        cells.append(measure([pairloom, "--index", index, "-q", "dups", "--linkage", linkage]))
    query = "SELECT count(*) FROM pair"
    pairs = subprocess.run(["sqlite3", "-readonly", index, query], capture_output=True, text=True, check=True).stdout
    print(f"| {count:,} {name} | " + " | ".join(cells) + f" | {int(pairs):,} |", flush=True)
    shutil.rmtree(pictures)
    for file in scratch.glob("index.db*"):
        file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--pairloom", type=Path, default=ROOT / "build/release/bin/pairloom")
    parser.add_argument("--scratch", type=Path)
    options = parser.parse_args()
    picture = cv2.imread(str(options.picture), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        sys.exit(f"skewed_sets.py: cannot read '{options.picture}'")
    picture = cv2.resize(picture, (128, 96), interpolation=cv2.INTER_AREA).astype(numpy.float32)
    print("| pictures | `index add` | `dups` | `dups --linkage single` | pairs stored |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for name, draw in (("frames, other codes", lambda: frames(picture, 14)),
                           ("frames, mostly equal codes", lambda: frames(picture, 1.5)),
                           ("black", lambda: black)):
            for count in (options.count // 2, options.count):
                row(name, options.pairloom, Path(scratch), count, draw())


if __name__ == "__main__":
    main()
