"""``python -m conformance.fuzz``: attack one target or all; print a line each."""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.fuzz.engine import attack
from conformance.fuzz.targets import Target, targets

FOLDER: Final = Path("var/fuzz")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb; 0: no harm done, 1: harm, 4: wrong use."""
    parser = argparse.ArgumentParser(prog="python -m conformance.fuzz", description=__doc__)
    known = targets()
    parser.add_argument("--target", choices=sorted(known), help="all of them without")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5000, help="inputs of each target")
    parser.add_argument(
        "--seconds", type=int, default=0, help="with atheris, guided by coverage, this long each"
    )
    given = parser.parse_args(arguments)
    chosen = [known[given.target]] if given.target else list(known.values())
    if given.seconds and importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed: make fuzz installs it; or use --runs\n")
        return 4
    if given.seconds:
        return max(_guided(target, given.seed, given.seconds) for target in chosen)
    return max(_seeded(target, given.seed, given.runs) for target in chosen)


def _seeded(target: Target, seed: int, runs: int) -> int:
    harm = attack(target, seed, runs)
    if harm is None:
        sys.stdout.write(f"{target.name}: {runs} inputs of seed {seed}, no harm ({target.what})\n")
        return 0
    path = FOLDER / target.name / f"harm-{seed}-{harm.number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(harm.body)
    sys.stdout.write(f"{target.name}: {harm.why}; input {harm.number} of seed {seed}: {path}\n")
    return 1


def _guided(target: Target, seed: int, seconds: int) -> int:
    command = (
        sys.executable,
        "-m",
        "conformance.fuzz.guided",
        target.name,
        str(FOLDER / target.name),
        f"-max_total_time={seconds}",
        f"-seed={seed}",
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter, our own module
        command, check=False, capture_output=True, text=True
    )
    last = [line for line in ended.stderr.splitlines() if line.strip()][-12:]
    sys.stdout.write(f"{target.name}: {seconds} s, {'harm' if ended.returncode else 'no harm'}\n")
    sys.stdout.write("".join(f"  {line}\n" for line in last))
    return int(bool(ended.returncode))


if __name__ == "__main__":
    sys.exit(main())
