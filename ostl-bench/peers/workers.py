"""Who is timed, one row after another: the peers' scripts as workers, and `ostl bench`; and how figures are kept."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


class Worker:
    """A peer's script that answers requests."""

    def __init__(self, script, threads):
        path = Path(__file__).with_name(script)
        command = [sys.executable, "-W", "ignore", path, "--serve", "--threads", str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()  # the end of its input is the end of it

    def __call__(self, **request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else sys.exit("a peer ended early; its message is above")


def number(value):
    """Three digits."""
    return "–" if value is None else f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


class Refused(Exception):
    """`ostl bench` does not know what is requested."""


def ostl(*options, threads):
    """The rows of `ostl bench` with these options."""
    command = [TARGET / "release/ostl", "bench", "--json", "--threads", str(threads), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        raise Refused(done.stderr)
    if done.returncode:
        sys.exit(done.stderr)
    sys.stderr.write(done.stderr)  # what was left out, and why
    return [json.loads(line) for line in done.stdout.splitlines()]


class Figures:
    """What rows have in `field`, by whatever names; `choose` makes one figure of them. Every row goes to the raw file."""

    def __init__(self, raw, field, choose):
        self.raw = open(raw, "w") if raw else None
        self.field, self.choose, self.values = field, choose, {}

    def add(self, row, *name):
        self.values.setdefault(name, []).append(row[self.field])
        print(f"{' '.join(str(part) for part in name)}: {row[self.field]} {self.field}", file=sys.stderr)
        if self.raw:
            print(json.dumps(row), file=self.raw, flush=True)

    def get(self, *name):
        """None where there is no such row."""
        return self.choose(self.values[name]) if name in self.values else None
