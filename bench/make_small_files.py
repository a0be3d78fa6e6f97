#!/usr/bin/env python3
"""Makes a tree of many small images, all different: 24x24 gray noise, 589 bytes each, 1000 to a directory.

usage: make_small_files.py DIR COUNT          A tree that is complete already is left alone.
"""

import random
import sys
from pathlib import Path

SIDE_PX = 24
FILES_PER_DIRECTORY = 1000


def gray_noise(number):
    return f"P5\n{SIDE_PX} {SIDE_PX}\n255\n".encode() + random.Random(number).randbytes(SIDE_PX * SIDE_PX)


def make(directory, count, draw=gray_noise):
    """`draw` gives the bytes of the PGM file of a number."""
    complete = directory / ".complete"  # hidden: not indexed
    if complete.exists() and complete.read_text() == str(count):
        return
    if directory.exists() and any(directory.iterdir()) and not complete.exists():
        sys.exit(f"make_small_files.py: '{directory}' holds something else already")
    directory.mkdir(parents=True, exist_ok=True)
    complete.write_text("")
    for number in range(count):
        folder = directory / f"{number // FILES_PER_DIRECTORY:04d}"
        if number % FILES_PER_DIRECTORY == 0:
            folder.mkdir(exist_ok=True)
        (folder / f"{number:07d}.pgm").write_bytes(draw(number))
    complete.write_text(str(count))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(Path(sys.argv[1]), int(sys.argv[2]))
