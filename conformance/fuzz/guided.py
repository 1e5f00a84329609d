"""One target under atheris, which follows coverage; a process of its own, since it never returns.

``python -m conformance.fuzz.guided TARGET FOLDER [libFuzzer options]``: what is worth keeping goes
into the folder.
"""

import sys
from pathlib import Path

import atheris

from conformance.fuzz.mutate import damaged
from gateway.app.ids import SeededChance

with atheris.instrument_imports(include=["gateway.protocols"]):
    from conformance.fuzz.targets import targets

EVERY_OTHER = 2


def _mutate(body: bytes, most: int, seed: int) -> bytes:
    """Damage a document by its structure or, every other time, by its bytes."""
    if seed % EVERY_OTHER:
        return damaged(body, SeededChance(seed, "guided"))[:most]
    return bytes(atheris.Mutate(body, most))


def main() -> None:
    """Attack until the options of libFuzzer say stop; never returns."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    target = targets()[name]
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    options = [f"-artifact_prefix={folder}/harm-", "-timeout=10", "-max_len=65536", *sys.argv[3:]]
    atheris.Setup([sys.argv[0], *options, str(folder)], target.holds, custom_mutator=_mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
