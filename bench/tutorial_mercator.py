#!/usr/bin/env python3
"""The transverse Mercator of the widely copied tutorial on parallel image transforms, written again: what
transform_benchmark.py compares with. One pixel after the other, in Python, with the tutorial's roundings; bands of lines
are shared out among processes.

usage: tutorial_mercator.py IN.ppm OUT.ppm PROCESSES
"""

import math
import multiprocessing
import sys

PI = math.pi


def read_ppm(path):
    with open(path, "rb") as file:
        if file.readline() != b"P6\n":
            sys.exit(f"{path}: not a P6 PPM")
        width, height = map(int, file.readline().split())
        file.readline()
        return width, height, file.read()


def transform_lines(first, last):
    """Output lines first to last - 1, as bytes."""
    out = bytearray()
    for line in range(first, last):
        lat_t = round((line + 1) / HEIGHT * (-35 * PI / 18) + 17.5 * PI / 18, 2)
        for x in range(WIDTH):
            lon_t = round(x / WIDTH * 2 * PI - PI, 2)
            lat = round(-math.asin(math.sin(lon_t) / math.cosh(lat_t)), 3)
            lon = math.atan(math.sinh(lat_t) / math.cos(lon_t))
            if abs(lon_t) > PI / 2:
                lon += PI if lat_t >= 0 else -PI
            lon = round(lon, 3)
            source_x = int((lon + PI) / (2 * PI) * WIDTH)
            source_y = int((lat - PI / 2) / -PI * HEIGHT)
            if source_x == WIDTH:
                source_x -= 1
            if source_y == HEIGHT:
                source_y -= 1
            at = (source_y * WIDTH + source_x) * 3
            out += PIXELS[at:at + 3]
    return bytes(out)


def main():
    global WIDTH, HEIGHT, PIXELS  # inherited by the processes
    WIDTH, HEIGHT, PIXELS = read_ppm(sys.argv[1])
    processes = int(sys.argv[3])
    cuts = [HEIGHT * i // processes for i in range(processes + 1)]
    bands = list(zip(cuts, cuts[1:]))
    if processes == 1:
        parts = [transform_lines(*band) for band in bands]
    else:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            parts = pool.starmap(transform_lines, bands, chunksize=1)
    with open(sys.argv[2], "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT))
        file.writelines(parts)


if __name__ == "__main__":
    main()
