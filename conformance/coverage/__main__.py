"""``python -m conformance.coverage [--check]``: write the pages of clauses, or say whether they are current."""

import argparse
import sys

from conformance.coverage.books import BOOKS
from conformance.coverage.table import ROOT, page


def main() -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.coverage", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    given = parser.parse_args()
    stale = 0
    for book in BOOKS:
        wanted, file = page(book), ROOT / book.readme
        if given.check:
            stale += not file.exists() or file.read_text(encoding="utf-8") != wanted
        else:
            file.write_text(wanted, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
