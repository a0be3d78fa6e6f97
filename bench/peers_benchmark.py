#!/usr/bin/env python3
"""Measures the whole of `pairloom index add` per core beside other programs that hash pictures, and prints the tables of
docs/benchmarks.md. See bench/README.md for what to install; a peer that is not there is named and left out.

Everything is run in turn, round by round, in one run, on files in the page cache. What counts is processor time, user
and system, of all processes of a program together: so many pictures a second does one core do, whoever else uses the
machine. For pairloom that is everything from start to exit: walk, reading, digest, decoding, hashing, pairing, SQLite,
supervisor, opener and worker. For peers in Python it is the loop over the pictures only, without starting and importing.
"""

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from index_benchmark import describe_machine, say

HERE = Path(__file__).resolve().parent
DEBIAN_PYTHON = "/usr/bin/python3"


def cpu_seconds(command):
    """Processor time of a program and all its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done


class Contestant:
    def __init__(self, name, command, tells_its_time=False, before_each=None, good_exit_codes=(0,)):
        self.name, self.command, self.tells_its_time = name, command, tells_its_time
        self.before_each = before_each or (lambda: None)
        self.good_exit_codes = good_exit_codes
        self.seconds = []
        self.instructions = None

    def run(self):
        self.before_each()
        seconds, done = cpu_seconds(self.command)
        if done.returncode not in self.good_exit_codes:
            sys.exit(f"{' '.join(map(str, self.command))}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
        self.seconds.append(float(done.stdout.split()[1]) if self.tells_its_time else seconds)

    def per_second(self, count):
        return count / statistics.median(self.seconds)


class Peers:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.missing = []

    def python(self, method, module, title, list_file, python):
        probe = subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL)
        if probe.returncode != 0:
            self.miss(f"{title}: '{python}' has no module {module}")
            return []
        return [Contestant(title, [python, HERE / "peer_hashes.py", method, list_file], tells_its_time=True)]

    def miss(self, text):
        if text not in self.missing:
            self.missing.append(text)
            say(f"left out: {text}")

    def pairloom(self, feature, folder):
        index = self.scratch / f"index-{feature}"
        command = [self.options.pairloom, "index", "add", "--quiet", "--jobs", "1", "--index", index / "index.db",
                   "--features", feature, folder]
        # 3: some file could not be read, as in CALTECH-101
        return Contestant(f"pairloom index add, {feature}", command, good_exit_codes=(0, 3),
                          before_each=lambda: shutil.rmtree(index, ignore_errors=True))

    def all(self, folder, list_file):
        """The tutorial first: the others are compared with it."""
        chosen = self.options.only.split(",") if self.options.only else [""]
        everybody = self.everybody(folder, list_file)
        return [each for each in everybody if each is everybody[0] or any(word in each.name for word in chosen)]

    def everybody(self, folder, list_file):
        peer_python = self.options.peers_python
        bare = HERE.parent / "build/release/bin/bare_loop"
        contestants = self.python("tutorial", "cv2", "tutorial", list_file, DEBIAN_PYTHON)
        contestants += [self.pairloom("pdq", folder), self.pairloom("dhash", folder)]
        if bare.exists():
            contestants += [Contestant(f"bare loop, {feature}", [bare, feature, list_file], tells_its_time=True)
                            for feature in ("pdq", "dhash")]
        else:
            self.miss("bare loop: build the target bare_loop")
        contestants += self.python("imagehash", "imagehash", "ImageHash", list_file, peer_python)
        contestants += self.python("imagededup", "imagededup", "imagededup", list_file, peer_python)
        contestants += self.python("draft", "PIL", "Pillow, draft mode", list_file, peer_python)
        contestants += self.python("libvips", "pyvips", "libvips", list_file, peer_python)
        return contestants + self.python("czkawka", "czkawka", "czkawka", list_file, peer_python)


def count_instructions(contestant, scratch):
    """By callgrind; None where it does not count, as for pairloom itself under valgrind 3.19, which has no pidfd_open;
    bare_loop counts what its worker does."""
    out = scratch / "callgrind"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    contestant.before_each()
    done = subprocess.run(["valgrind", "--tool=callgrind", "--trace-children=yes",
                           "--trace-children-skip=*pairloom-worker*", f"--callgrind-out-file={out}/%p"] +
                          [str(word) for word in contestant.command], stdin=subprocess.DEVNULL, capture_output=True)
    total = 0
    for file in out.iterdir():
        total += sum(int(n) for n in re.findall(r"^totals: (\d+)", file.read_text(errors="replace"), re.M))
    return total if done.returncode in contestant.good_exit_codes and total else None


def rounded(per_second):
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def print_table(title, contestants, count, rounds):
    tutorial = contestants[0].per_second(count)
    print(f"\n### {title}\n\n{count:,} files; median of {rounds} interleaved rounds, least and most in brackets.\n")
    print("| | images/s of one core | as fast as the tutorial | million instructions an image |\n|---|---|---|---|")
    for each in contestants:
        least, most = count / max(each.seconds), count / min(each.seconds)
        instructions = "" if each.instructions is None else f"{each.instructions / 1e6:.2f}"
        print(f"| {each.name} | {rounded(each.per_second(count))} ({rounded(least)} - {rounded(most)}) | "
              f"{each.per_second(count) / tutorial:.2f} | {instructions} |")


def sample(folder, count, scratch, name):
    """A directory with links to some of the files, evenly chosen, and the list of them."""
    files = sorted(Path(parent) / file for parent, _, files in os.walk(folder) for file in files)
    chosen = files[:: max(1, len(files) // count)][:count]
    return write_list(chosen, scratch / f"{name}.list"), chosen


def write_list(files, path):
    path.write_text("".join(f"{file}\n" for file in files))
    return path


def instructions_of(peers, folder, count, contestants, scratch):
    """Of n and 2n files: the difference is what n files cost."""
    for number in (1, 2):
        small = scratch / f"instructions-{number}"
        shutil.rmtree(small, ignore_errors=True)
        small.mkdir()
        _, chosen = sample(folder, number * count, scratch, "chosen")
        copies = [shutil.copy(file, small / f"{place:05}.jpg") for place, file in enumerate(chosen)]
        listed = write_list(copies, scratch / f"instructions-{number}.list")
        for contestant, whole in zip(peers.all(small, listed), contestants):
            say(f"  instructions, {number * count} files: {contestant.name}")
            counted = count_instructions(contestant, scratch)
            if number == 1:
                whole.instructions = counted
            elif counted is not None and whole.instructions is not None:
                whole.instructions = (counted - whole.instructions) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+", help="directories of JPEGs, each a table of its own")
    parser.add_argument("--pairloom", type=Path, default=HERE.parent / "build/release/bin/pairloom")
    parser.add_argument("--peers-python", default=sys.executable,
                        help="a Python with ImageHash, imagededup, Pillow, pyvips and czkawka (default: the one that runs this)")
    parser.add_argument("--only", metavar="WORDS", help="only those whose names hold one of these words, and the "
                        "tutorial; separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instructions", type=int, default=0, metavar="N",
                        help="count instructions with valgrind, of N files of each set; slow")
    options = parser.parse_args()
    if not options.pairloom.exists():
        sys.exit(f"peers_benchmark.py: there is no '{options.pairloom}'; ./run builds it")
    version = subprocess.run([options.pairloom, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    print(f"Machine: {describe_machine()}  \nProgram: {version}  \nMade by: `bench/peers_benchmark.py`, "
          f"{time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory(prefix="pairloom-peers-") as scratch:
        peers = Peers(options, Path(scratch))
        for folder in options.sets:
            folder = folder.resolve()
            files = sorted(Path(parent) / name for parent, _, names in os.walk(folder) for name in names
                           if name.endswith((".jpg", ".jpeg")))
            contestants = peers.all(folder, write_list(files, Path(scratch) / "all.list"))
            for number in range(options.rounds + 1):
                for contestant in contestants:
                    contestant.run()
                if number == 0:  # page cache, start-up
                    for contestant in contestants:
                        contestant.seconds.clear()
                else:
                    say(f"  {folder.name}: round {number} of {options.rounds}")
            if options.instructions:
                instructions_of(peers, folder, options.instructions, contestants, Path(scratch))
            print_table(folder.name, contestants, len(files), options.rounds)
        for text in peers.missing:
            print(f"\nLeft out: {text}")


if __name__ == "__main__":
    main()
