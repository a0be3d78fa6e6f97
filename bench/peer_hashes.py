#!/usr/bin/env python3
"""One peer's way to hash pictures, in one process and one thread, for peers_benchmark.py. Prints how many pictures were
hashed and the seconds of processor time that took, without starting Python and loading modules.

usage: peer_hashes.py METHOD LIST        LIST: a file of paths, one a line
"""

import sys
import time
import types


def tutorial():
    """What the tutorials do: everything is decoded, in colour."""
    import cv2

    cv2.setNumThreads(1)

    def hash_of(path):
        gray = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2GRAY)
        small = cv2.resize(gray, (9, 8))
        brighter = small[:, 1:] > small[:, :-1]
        return sum(1 << bit for bit, is_set in enumerate(brighter.flatten()) if is_set)

    return hash_of


def imagehash():
    import imagehash
    from PIL import Image

    return lambda path: imagehash.dhash(Image.open(path))


def imagededup():
    """Its hashing module only: the __init__ of its packages load its neural networks, and PyTorch for them."""
    import importlib.util

    for name in ("methods", "utils"):
        package = types.ModuleType("imagededup." + name)
        package.__path__ = [importlib.util.find_spec("imagededup").submodule_search_locations[0] + "/" + name]
        sys.modules[package.__name__] = package
    from imagededup.methods.hashing import DHash

    hasher = DHash(verbose=False)
    return lambda path: hasher.encode_image(image_file=path)


def draft():
    """Pillow's draft mode: libjpeg decodes to gray at 1/2, 1/4 or 1/8 while both sides stay at 64 pixels or more."""
    from PIL import Image

    def hash_of(path):
        image = Image.open(path)
        image.draft("L", (64, 64))
        pixels = image.convert("L").resize((9, 8), Image.Resampling.BILINEAR).tobytes()
        return sum((pixels[9 * y + x + 1] > pixels[9 * y + x]) << (8 * y + x) for y in range(8) for x in range(8))

    return hash_of


def libvips():
    """thumbnail() decodes JPEGs at a reduced size by itself."""
    import pyvips

    pyvips.cache_set_max(0)

    def hash_of(path):
        image = pyvips.Image.thumbnail(path, 9, height=8, size="force")
        pixels = image.colourspace("b-w")[0].write_to_memory()
        return sum((pixels[9 * y + x + 1] > pixels[9 * y + x]) << (8 * y + x) for y in range(8) for x in range(8))

    return hash_of


def czkawka():
    """The core of czkawka by its Python binding: what czkawka_cli does for a picture, without its cache."""
    from czkawka import ImageSimilarity

    return ImageSimilarity().hash_image


METHODS = {method.__name__: method for method in (tutorial, imagehash, imagededup, draft, libvips, czkawka)}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in METHODS:
        sys.exit(f"usage: peer_hashes.py {'|'.join(METHODS)} LIST")
    with open(sys.argv[2]) as file:
        paths = file.read().splitlines()
    hash_of = METHODS[sys.argv[1]]()
    hash_of(paths[0])  # what is loaded on first use
    hashed = 0
    start = time.process_time()
    for path in paths:
        if hash_of(path) is not None:
            hashed += 1
    print(hashed, time.process_time() - start)


if __name__ == "__main__":
    main()
