#!/usr/bin/python3
"""Makes sets of JPEGs with the entropy of photographs, for peers_benchmark.py, from smaller pictures. See bench/README.md.

A picture that is only enlarged has no detail, and a decoder has little to do with it. So each picture here is made of
three layers: one source picture enlarged to the whole size; the fine detail (what a blur of 4 pixels takes away) of a
mosaic of other sources at their own size; and sensor noise, as much as it takes for 12 megapixels at quality 90 to fill
4 to 5 MB, as cameras' files do.

  large/        4000 x 3000, 4:2:0, quality 90
  progressive/  the same pictures as progressive JPEGs
  medium/       short side 256 to 700, as pictures on the web

Without --pictures the sources are drawn: shapes with soft and hard edges over noise that falls off as 1/f, as
photographs do. The same seed makes the same sets. Needs OpenCV for Python (apt-get install python3-opencv).
"""

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy

BLUR_PX = 4
DETAIL = 0.6  # of the texture's contrast
LARGE_BYTES = 4_100_000
MIN_SOURCE_SIDE_PX = 180


def find_sources(directory, count, random):
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names)
    random.shuffle(paths)
    sources = []
    for path in paths:
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if picture is not None and min(picture.shape[:2]) >= MIN_SOURCE_SIDE_PX:
            sources.append(picture)
        if len(sources) == count:
            return sources
    sys.exit(f"make_photos.py: '{directory}' holds {len(sources)} pictures of {MIN_SOURCE_SIDE_PX} pixels or more a "
             f"side; {count} are needed")


def draw_source(random, width=500, height=375):
    """Light that varies as 1/f, and shapes on it."""
    fy, fx = numpy.fft.fftfreq(height)[:, None], numpy.fft.rfftfreq(width)[None, :]
    falloff = 1 / numpy.maximum(numpy.hypot(fy, fx), 1 / width)
    light = numpy.fft.irfft2(numpy.fft.rfft2(random.standard_normal((height, width))) * falloff, s=(height, width))
    light = (light - light.mean()) / light.std()
    tint = random.uniform(0.6, 1.0, 3)
    picture = numpy.clip((120 + 40 * light)[..., None] * tint, 0, 255).astype(numpy.uint8)
    for _ in range(random.integers(4, 14)):
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        layer = picture.copy()
        centre = (int(random.integers(0, width)), int(random.integers(0, height)))
        axes = (int(random.integers(8, width // 3)), int(random.integers(8, height // 3)))
        if random.integers(2):
            cv2.ellipse(layer, centre, axes, float(random.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = numpy.array(centre) + random.integers(-90, 90, (random.integers(3, 7), 2))
            cv2.fillPoly(layer, [corners.astype(numpy.int32)], colour, cv2.LINE_AA)
        if random.integers(3) == 0:
            layer = cv2.GaussianBlur(layer, (0, 0), float(random.uniform(1, 6)))
        picture = cv2.addWeighted(layer, 0.8, picture, 0.2, 0)
    return picture


def mosaic(sources, width, height, random):
    """Rows of sources at their own size, cut to one height a row."""
    canvas = numpy.empty((height, width, 3), numpy.uint8)
    y = 0
    while y < height:
        row_px = min(MIN_SOURCE_SIDE_PX, height - y)
        x = 0
        while x < width:
            source = sources[random.integers(len(sources))]
            piece = source[:row_px, : width - x]
            canvas[y : y + row_px, x : x + piece.shape[1]] = piece
            x += piece.shape[1]
        y += row_px
    return canvas


def photograph(sources, width, height, random):
    source = sources[random.integers(len(sources))]
    rows, columns = source.shape[:2]
    if columns * height > rows * width:
        cut = rows * width // height
        source = source[:, (columns - cut) // 2 :][:, :cut]
    else:
        cut = columns * height // width
        source = source[(rows - cut) // 2 :][:cut]
    whole = cv2.resize(source, (width, height), interpolation=cv2.INTER_CUBIC).astype(numpy.float32)
    texture = mosaic(sources, width, height, random).astype(numpy.float32)
    texture -= cv2.GaussianBlur(texture, (0, 0), BLUR_PX)
    whole += DETAIL * texture
    return whole


def with_noise(picture, level, random):
    noise = level * random.standard_normal((*picture.shape[:2], 1), numpy.float32)
    return numpy.clip(picture + noise, 0, 255).astype(numpy.uint8)


def write(path, picture, quality, progressive=False):
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    if not cv2.imwrite(str(path), picture, parameters):
        sys.exit(f"make_photos.py: cannot write '{path}'")
    return path.stat().st_size


def write_large(folders, name, picture, random):
    for level in range(3, 20):
        noisy = with_noise(picture, level, random)
        if write(folders["large"] / name, noisy, 90) >= LARGE_BYTES:
            break
    write(folders["progressive"] / name, noisy, 90, progressive=True)


def describe(folder):
    sizes = [file.stat().st_size for file in folder.iterdir()]
    print(f"{folder}: {len(sizes)} files, {sum(sizes) / len(sizes) / 1e6:.2f} MB on average")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="a directory, made if it is not there")
    parser.add_argument("--pictures", type=Path, help="a directory with pictures to make them of")
    parser.add_argument("--large", type=int, default=100, help="how many of 12 megapixels (default: %(default)s)")
    parser.add_argument("--medium", type=int, default=2400, help="how many of medium size (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = numpy.random.default_rng(options.seed)
    sources = (find_sources(options.pictures, 200, random) if options.pictures
               else [draw_source(random) for _ in range(200)])
    folders = {name: options.output / name for name in ("large", "progressive", "medium")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.large):
        write_large(folders, f"{number:04}.jpg", photograph(sources, 4000, 3000, random), random)
    for number in range(options.medium):
        short = int(random.integers(256, 701))
        long = short * int(random.integers(100, 160)) // 100
        width, height = (long, short) if random.integers(4) else (short, long)
        picture = with_noise(photograph(sources, width, height, random), 3, random)
        write(folders["medium"] / f"{number:04}.jpg", picture, int(random.integers(80, 96)))
    for folder in folders.values():
        if any(folder.iterdir()):
            describe(folder)


if __name__ == "__main__":
    main()
