#!/usr/bin/python3
"""What the well-known tutorials do, to be measured beside pairloom: difference hashes of a directory of images, with a
pool of processes. Each process gets one chunk of the paths, reads each image in full, makes it gray, shrinks it to 9x8,
compares neighbours, and pickles its own table of hashes; the tables are merged at the end.

usage: tutorial_dhash.py DIR PROCESSES        (needs OpenCV for Python: apt-get install python3-opencv)
"""

import multiprocessing
import os
import pickle
import sys
import tempfile

import cv2


def difference_hash(image):
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (9, 8))
    brighter = small[:, 1:] > small[:, :-1]
    return sum(1 << bit for bit, is_set in enumerate(brighter.flatten()) if is_set)


def hash_chunk(chunk):
    paths, pickle_path = chunk
    hashes = {}
    for path in paths:
        image = cv2.imread(path)
        if image is not None:
            hashes.setdefault(difference_hash(image), []).append(path)
    with open(pickle_path, "wb") as file:
        pickle.dump(hashes, file)
    return pickle_path


def main():
    directory, processes = sys.argv[1], int(sys.argv[2])
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names)
    chunk_size = -(-len(paths) // processes)
    merged = {}
    with tempfile.TemporaryDirectory() as pickles:
        chunks = [(paths[i : i + chunk_size], f"{pickles}/{i}.pickle") for i in range(0, len(paths), chunk_size)]
        with multiprocessing.Pool(processes) as pool:
            for pickle_path in pool.map(hash_chunk, chunks):
                with open(pickle_path, "rb") as file:
                    for key, found in pickle.load(file).items():
                        merged.setdefault(key, []).extend(found)
    print(f"{sum(map(len, merged.values()))} images, {len(merged)} different hashes")


if __name__ == "__main__":
    main()
