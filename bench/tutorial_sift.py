#!/usr/bin/python3
"""What the well-known tutorials do, to be measured beside pairloom: SIFT descriptors of the first image of a directory
are matched with those of every image by brute force and cross-check, one task an image, with a pool of processes.

usage: tutorial_sift.py DIR PROCESSES        (needs OpenCV for Python: apt-get install python3-opencv)
"""

import multiprocessing
import sys
from pathlib import Path

import cv2

cv2.setNumThreads(1)  # the processes are the parallelism


def descriptors_of(path):
    gray = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2GRAY)
    return cv2.SIFT_create(nfeatures=5000).detectAndCompute(gray, None)[1]


def count_matches(task):
    path, reference = task
    return path, len(cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(reference, descriptors_of(path)))


def main():
    paths = sorted(Path(sys.argv[1]).glob("*.png"))
    reference = descriptors_of(paths[0])
    with multiprocessing.Pool(int(sys.argv[2])) as pool:
        for path, matches in pool.map(count_matches, [(path, reference) for path in paths], chunksize=1):
            print(matches, path)


if __name__ == "__main__":
    main()
