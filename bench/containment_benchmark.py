#!/usr/bin/env python3
"""Measures what containment costs, and prints the tables of docs/benchmarks.md. See bench/README.md.

The real programs, beside the same with a worker that enters no sandbox (open_worker), in turn; and where the processor
time of the real ones goes: the opener is a process only because workers may open nothing.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import index_benchmark as bench


def installed(directory, programs, worker):
    """The programs in a directory of their own, where pairloom finds the worker beside itself."""
    directory.mkdir(parents=True)
    for name in ("pairloom", "pairloom-opener"):
        shutil.copy(programs / name, directory / name)
    shutil.copy(programs / worker, directory / "pairloom-worker")
    return directory / "pairloom"


def on_processor(pid):
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return None  # it has just ended


def processor_seconds(command):
    """Of supervisor, workers and openers. The last look before each end counts: short of the truth by a millisecond."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    seen = {}
    while process.poll() is None:
        for pid in [process.pid, *bench.children(process.pid)]:
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            seconds = on_processor(pid)
            if seconds is not None:
                seen[pid, name] = seconds
        time.sleep(0.001)
    sums = {"pairloom": 0, "pairloom-worker": 0, "pairloom-opener": 0}
    for (_, name), seconds in seen.items():
        if name in sums:
            sums[name] += seconds
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="a directory of images")
    parser.add_argument("--programs", type=Path, default=bench.HERE.parent / "build/release/bin")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="workers (default: %(default)s)")
    options = parser.parse_args()
    images = options.images.resolve()
    if not (options.programs / "open_worker").exists():
        sys.exit(f"containment_benchmark.py: there is no '{options.programs}/open_worker'; ./check builds it")
    with tempfile.TemporaryDirectory(prefix="pairloom-bench-") as scratch:
        index = Path(scratch) / "index" / "index.db"

        def contestant(name, worker):
            program = installed(Path(scratch) / worker, options.programs, worker)
            command = [program, "index", "add", "--quiet", "--index", index, "--jobs", options.jobs, images]
            return bench.Contestant(name, command, before_each=lambda: shutil.rmtree(index.parent, ignore_errors=True))

        open_one = contestant("no sandbox", "open_worker")
        real = contestant("the sandbox", "pairloom-worker")
        bench.measure([open_one, real], options.rounds)
        bench.print_table("What containment costs", [open_one, real], bench.count_files(images), options.rounds)
        pairs = [b / a for a, b in zip(open_one.seconds, real.seconds)]
        print(f"\nRound by round, with over without: median {statistics.median(pairs):.3f} "
              f"({min(pairs):.3f} - {max(pairs):.3f}).")

        shares = []
        for _ in range(options.rounds):
            real.before_each()
            shares.append(processor_seconds(real.command))
        print("\n| process | seconds of processor time | share |\n|---|---|---|")
        medians = {name: statistics.median(one[name] for one in shares) for name in shares[0]}
        for name, seconds in medians.items():
            print(f"| {name} | {seconds:.3f} | {100 * seconds / sum(medians.values()):.1f}% |")


if __name__ == "__main__":
    main()
