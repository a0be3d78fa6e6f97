#!/usr/bin/env python3
"""A storm of changes while pairloomd watches: creates, rewrites, renames, moves of directories, deletes. When it is over,
says how long it took until the index held exactly what the tree does, by name, size and time of writing.

usage: watch_storm.py PAIRLOOMD [--changes N] [--watch auto|inotify|fanotify|poll] [--directories N] [--seed N]

The files are text, so that the workers have little to do and the watching much. Exit code 1: within five minutes of quiet
the index was not as the tree.
"""

import argparse
import os
import random
import select
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time


def files_of_tree(root):
    found = {}
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    st = entry.stat(follow_symlinks=False)
                    found[os.fsencode(entry.path)] = (st.st_size, st.st_mtime_ns)
    return found


def files_of_index(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        query = "SELECT directory, name, size_bytes, mtime_ns FROM v_files"
        return {directory + b"/" + name: (size, mtime) for directory, name, size, mtime in connection.execute(query)}
    finally:
        connection.close()


class Storm:
    def __init__(self, root, seed, directories):
        self.random = random.Random(seed)
        self.root = root
        self.count = 0
        self.files = []
        self.directories = [os.path.join(root, f"d{i:06d}") for i in range(directories)]
        for directory in self.directories:
            os.mkdir(directory)

    def directory(self):
        return self.random.choice(self.directories)

    def fresh_path(self):
        self.count += 1
        return os.path.join(self.directory(), f"f{self.count}")

    def take_file(self):
        i = self.random.randrange(len(self.files))
        self.files[i], self.files[-1] = self.files[-1], self.files[i]
        return self.files.pop()

    def step(self):
        what = self.random.random()
        if what < 0.5 or len(self.files) < 10:
            path = self.fresh_path()
            with open(path, "w") as file:
                file.write(path)
            self.files.append(path)
        elif what < 0.7:
            os.unlink(self.take_file())
        elif what < 0.9:
            path = self.fresh_path()
            os.rename(self.take_file(), path)
            self.files.append(path)
        elif what < 0.999:
            path = self.random.choice(self.files)
            with open(path, "a") as file:
                file.write("more")
        else:
            i = self.random.randrange(len(self.directories))
            old = self.directories[i]
            self.count += 1
            new = os.path.join(self.root, f"moved{self.count}")
            os.rename(old, new)
            self.directories[i] = new
            self.files = [new + f[len(old):] if f.startswith(old + "/") else f for f in self.files]


def wait_ready(notify, daemon):
    while True:
        ready, _, _ = select.select([notify], [], [], 60)
        if not ready or daemon.poll() is not None:
            sys.exit("pairloomd does not get ready")
        if b"READY=1" in notify.recv(65536):
            return


def drain(notify):
    while select.select([notify], [], [], 0)[0]:
        notify.recv(65536)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairloomd")
    parser.add_argument("--changes", type=int, default=200_000)
    parser.add_argument("--directories", type=int, default=200)
    parser.add_argument("--watch", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    home = tempfile.mkdtemp(prefix="pairloom-storm-")
    root, index = os.path.join(home, "tree"), os.path.join(home, "index.db")
    os.mkdir(root)
    config = os.path.join(home, "pairloom.toml")
    with open(config, "w") as file:
        file.write(f'index = "{index}"\nnice = 0\nio = "normal"\n[control]\nsocket = ""\n'
                   f'[[root]]\npath = "{root}"\nwatch = "{options.watch}"\npoll = "5s"\n')
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(os.path.join(home, "notify"))
    daemon = subprocess.Popen([options.pairloomd, "--config", config],
                              env={**os.environ, "NOTIFY_SOCKET": os.path.join(home, "notify")})
    try:
        wait_ready(notify, daemon)
        storm = Storm(root, options.seed, options.directories)
        start = time.monotonic()
        for i in range(options.changes):
            storm.step()
            if i % 1000 == 0:
                drain(notify)
        quiet = time.monotonic()
        print(f"{options.changes} changes in {quiet - start:.1f} s; {len(storm.files)} files remain")
        expected = files_of_tree(root)
        while True:
            select.select([notify], [], [], 0.5)
            drain(notify)
            found = files_of_index(index)
            took = time.monotonic() - quiet
            if found == expected:
                break
            if took > 300 or daemon.poll() is not None:
                wrong = {p for p in expected.keys() | found.keys() if expected.get(p) != found.get(p)}
                print(f"after {took:.0f} s {len(wrong)} of {len(expected)} files are not as in the tree, such as")
                for path in sorted(wrong)[:5]:
                    print(f"  {path}: tree {expected.get(path)}, index {found.get(path)}")
                return 1
        with open(f"/proc/{daemon.pid}/status") as status:
            memory = next(line.split()[1] for line in status if line.startswith("VmHWM"))
        print(f"the index is as the tree {took:.1f} s after the last change; pairloomd held {int(memory) // 1024} MB at most")
        return 0
    finally:
        daemon.terminate()
        daemon.wait()
        notify.close()
        shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
