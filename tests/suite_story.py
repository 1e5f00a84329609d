"""A program that plays one run, for tests that end it in the middle: ``python -m tests.suite_story FOLDER``."""

import sys

from conformance.cli.main import run

if __name__ == "__main__":
    only = [word for name in sys.argv[2:] for word in ("--only", name)]
    sys.exit(run(["run", "--plan", "oadr20b-ven-pull", "--out", sys.argv[1], *only]))
