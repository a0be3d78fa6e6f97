#!/usr/bin/python3
"""Which edits of a picture pairloom still finds, and how often it takes two pictures for one; prints the tables of
docs/benchmarks.md. See bench/README.md.

Originals are taken from directories, of every size there is. Each is edited in each way, everything is indexed by the
program itself, and the distances between the exported codes are compared with the presets: same, similar, related.
Three times: as the program decodes by default; original in full beside copy by default; original in full beside copy by
the fast rule, so that both took different paths through the decoder. False pairs are counted among originals and crops
of them, never between two of one source; pairs whose pixels agree (correlation above 0.95 of 32 x 32 means) are copies
in the collection itself and told apart. Needs OpenCV for Python (apt-get install python3-opencv).
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy

from index_benchmark import describe_machine, say

HERE = Path(__file__).resolve().parent
PRESETS = {"pdq": (10, 31, 48), "phash256": (10, 31, 48), "dhash": (2, 4, 8)}
PDQ_MIN_QUALITY = 50


def resized(percent):
    def edit(picture, random):
        height, width = picture.shape[:2]
        size = (max(8, width * percent // 100), max(8, height * percent // 100))
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return edit


def gamma(power):
    table = numpy.round(255 * (numpy.arange(256) / 255) ** power).astype(numpy.uint8)
    return lambda picture, random: cv2.LUT(picture, table)


def blurred(share):
    """By a share of the short side, so that pictures of all sizes lose the same."""
    return lambda picture, random: cv2.GaussianBlur(picture, (0, 0), share * min(picture.shape[:2]))


def noisy(level):
    def edit(picture, random):
        noise = level * random.standard_normal(picture.shape, numpy.float32)
        return numpy.clip(picture + noise, 0, 255).astype(numpy.uint8)
    return edit


def sharpened(picture, random):
    soft = cv2.GaussianBlur(picture, (0, 0), 2)
    return cv2.addWeighted(picture, 1.8, soft, -0.8, 0)


def watermarked(picture, random):
    """White text of a fifth of the height across the lower half, half transparent."""
    height, width = picture.shape[:2]
    layer = picture.copy()
    cv2.putText(layer, "watermark", (width // 10, height * 7 // 10), cv2.FONT_HERSHEY_SIMPLEX, width / 230,
                (255, 255, 255), max(1, width // 100), cv2.LINE_AA)
    return cv2.addWeighted(layer, 0.5, picture, 0.5, 0)


def cropped(percent):
    """So much of each side away, shared by both ends at random."""
    def edit(picture, random):
        height, width = picture.shape[:2]
        cut_y, cut_x = height * percent // 100, width * percent // 100
        y, x = random.integers(cut_y + 1), random.integers(cut_x + 1)
        return picture[y : y + height - cut_y, x : x + width - cut_x]
    return edit


def unchanged(picture, random):
    return picture


# name, edit, JPEG quality of the copy
EDITS = (
    [(f"resized to {percent} %", resized(percent), 90) for percent in (50, 25, 10)]
    + [(f"JPEG quality {quality}", unchanged, quality) for quality in (90, 70, 50, 30, 10)]
    + [("gamma 0.7", gamma(0.7), 90), ("gamma 1.5", gamma(1.5), 90), ("blur, 0.5 % of the side", blurred(0.005), 90),
       ("blur, 2 % of the side", blurred(0.02), 90), ("noise, 8 levels", noisy(8), 90),
       ("noise, 20 levels", noisy(20), 90), ("sharpened", sharpened, 90), ("watermark", watermarked, 90),
       ("crop, 2 % of each side", cropped(2), 90), ("crop, 5 % of each side", cropped(5), 90)])


def pictures_below(directories, random):
    paths = sorted(os.path.join(folder, name) for directory in directories
                   for folder, _, names in os.walk(directory) for name in names)
    random.shuffle(paths)
    for path in paths:
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if picture is not None and min(picture.shape[:2]) >= 100:
            yield path, picture


def write(path, picture, quality):
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality]):
        sys.exit(f"edits_benchmark.py: cannot write '{path}'")


def make_edits(directories, count, folder, random):
    """Files NUMBER-original.jpg and NUMBER-EDIT.jpg."""
    sides = []
    for number, (_, picture) in enumerate(pictures_below(directories, random)):
        if number == count:
            break
        sides.append(min(picture.shape[:2]))
        write(folder / f"{number:05}-original.jpg", picture, 92)
        for place, (_, edit, quality) in enumerate(EDITS):
            write(folder / f"{number:05}-{place:02}.jpg", edit(picture, random), quality)
    return sides


def make_strangers(directories, count, folder, random):
    """Files SOURCE-PIECE.jpg: pictures and, where they are too few, crops of them."""
    made = 0
    while made < count:
        before = made
        for source, (_, picture) in enumerate(pictures_below(directories, numpy.random.default_rng(5))):
            if made == count:
                break
            if made >= source + 1:
                height, width = (side * int(random.integers(45, 70)) // 100 for side in picture.shape[:2])
                y, x = random.integers(picture.shape[0] - height), random.integers(picture.shape[1] - width)
                picture = picture[y : y + height, x : x + width]
            write(folder / f"{source:05}-{made:05}.jpg", picture, 90)
            made += 1
        if made == before:
            sys.exit("edits_benchmark.py: no pictures of 100 pixels a side or more there")


class Codes:
    """name -> code of each algorithm, as the program computes them."""

    def __init__(self, pairloom, folder, accuracy, scratch):
        index = scratch / f"{folder.name}-{accuracy}.db"
        done = subprocess.run([pairloom, "index", "add", "--quiet", "--index", index, "--accuracy", accuracy,
                               "--features", ",".join(PRESETS), folder], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"pairloom index add ended with {done.returncode}:\n{done.stderr}")
        rows = subprocess.run([pairloom, "index", "export", "--codes", "--output", "csv", "--index", index],
                              capture_output=True, text=True, check=True).stdout.splitlines()
        self.of, self.quality = {}, {}
        for row in csv.DictReader(rows):
            name = Path(row["path"]).stem
            self.quality[name] = int(row["quality"])
            self.of[name] = {a: numpy.frombuffer(bytes.fromhex(row[a]), numpy.uint8) for a in PRESETS}

    def matrix(self, names, algorithm):
        return numpy.stack([self.of[name][algorithm] for name in names])


POPCOUNT = numpy.array([bin(byte).count("1") for byte in range(256)], numpy.uint8)


def distance(a, b):
    return POPCOUNT[a ^ b].sum(axis=-1, dtype=numpy.int32)


def recall_row(originals, copies, numbers, place):
    cells = []
    for algorithm, presets in PRESETS.items():
        found = [0, 0, 0]
        counted = 0
        for number in numbers:
            original, copy = f"{number:05}-original", f"{number:05}-{place:02}"
            if algorithm == "pdq" and originals.quality[original] < PDQ_MIN_QUALITY:
                continue  # not paired, and reported as such
            counted += 1
            d = distance(originals.of[original][algorithm], copies.of[copy][algorithm])
            for i, preset in enumerate(presets):
                found[i] += d <= preset
        cells.append(" / ".join(f"{100 * n / max(1, counted):.1f}" for n in found))
    return cells


def print_recall(title, originals, copies, numbers):
    print(f"\n### {title}\n")
    print("| edit | " + " | ".join(f"{a}: {' / '.join(map(str, p))} bits" for a, p in PRESETS.items()) + " |")
    print("|---|" + "---|" * len(PRESETS))
    for place, (name, _, _) in enumerate(EDITS):
        print(f"| {name} | " + " | ".join(recall_row(originals, copies, numbers, place)) + " |")


def thumbnail(path):
    gray = cv2.resize(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (32, 32), interpolation=cv2.INTER_AREA)
    values = gray.astype(numpy.float32).ravel() - gray.mean()
    return values / max(1e-6, float(numpy.linalg.norm(values)))


def print_false_pairs(codes, folder):
    names = sorted(codes.of)
    source = numpy.array([int(name.split("-")[0]) for name in names])
    shown = numpy.stack([thumbnail(folder / f"{name}.jpg") for name in names])
    strangers = len(names) * (len(names) - 1) // 2 - sum(n * (n - 1) // 2 for n in numpy.unique(source, return_counts=True)[1])
    print(f"\n### False pairs among {len(names):,} pictures\n\n{strangers:,} pairs of different sources.\n")
    print("| | distance | false pairs | a pair in | copies in the collection |\n|---|---|---|---|---|")
    for algorithm, presets in PRESETS.items():
        matrix = codes.matrix(names, algorithm)
        good = numpy.array([algorithm != "pdq" or codes.quality[name] >= PDQ_MIN_QUALITY for name in names])
        false, copies = [0, 0, 0], [0, 0, 0]
        for i in range(len(names) - 1):
            if not good[i]:
                continue
            d = distance(matrix[i], matrix[i + 1 :])
            near = numpy.flatnonzero((d <= presets[-1]) & (source[i + 1 :] != source[i]) & good[i + 1 :])
            for j in near:
                same = float(shown[i] @ shown[i + 1 + j]) > 0.95
                for k, preset in enumerate(presets):
                    if d[j] <= preset:
                        (copies if same else false)[k] += 1
        for k, preset in enumerate(presets):
            rate = f"{strangers // false[k]:,}" if false[k] else "-"
            print(f"| {algorithm} | {preset} | {false[k]:,} | {rate} | {copies[k]:,} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+", help="directories with originals")
    parser.add_argument("--strangers-of", type=Path, help="a directory for the false pairs (default: all of them)")
    parser.add_argument("--originals", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--strangers", type=int, default=10_000, help="for the false pairs (default: %(default)s)")
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom")
    options = parser.parse_args()
    random = numpy.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="pairloom-edits-") as name:
        scratch = Path(name)
        for folder in ("edits", "strangers"):
            (scratch / folder).mkdir()
        say("making edits")
        sides = make_edits(options.pictures, options.originals, scratch / "edits", random)
        print(f"Machine: {describe_machine()}  \nOriginals: {len(sides)}, short side {min(sides)} to {max(sides)} "
              f"pixels, median {int(numpy.median(sides))}; copies as JPEGs of quality 90 unless said\n\n"
              "Share of copies within the preset distances (same / similar / related), in percent.")
        by = {}
        for accuracy in ("default", "full", "fast"):
            say(f"indexing, {accuracy}")
            by[accuracy] = Codes(options.pairloom, scratch / "edits", accuracy, scratch)
        numbers = range(len(sides))
        print_recall("Both decoded by the default rule", by["default"], by["default"], numbers)
        print_recall("Original decoded in full, copy by the default rule", by["full"], by["default"], numbers)
        print_recall("Original decoded in full, copy by the fast rule", by["full"], by["fast"], numbers)
        say("making strangers")
        make_strangers([options.strangers_of] if options.strangers_of else options.pictures, options.strangers,
                       scratch / "strangers", random)
        print_false_pairs(Codes(options.pairloom, scratch / "strangers", "default", scratch), scratch / "strangers")


if __name__ == "__main__":
    main()
