"""``python -m conformance.coverage2b [--check]``: write the page of clauses, or say whether it is current."""

import argparse
import sys

from conformance.coverage2b.table import README, ROOT, page


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.coverage2b", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is stale")
    given = parser.parse_args()
    wanted = page()
    if given.check:
        return 0 if (ROOT / README).read_text(encoding="utf-8") == wanted else 1
    (ROOT / README).write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
