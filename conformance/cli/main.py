"""``gridgate-conformance``: finds the verb that was asked for, and says how it ended."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from conformance.cli.ending import EXITS, INTERRUPTED, Exit
from conformance.cli.verbs import VERBS, found
from conformance.engine.errors import SuiteError
from gateway.domain.codes.registry import by_reason, row_of
from gateway.domain.codes.shape import shape
from gateway.domain.errors import ConfigError, GatewayError


class _Parser(argparse.ArgumentParser):
    """Leaves with the suite's own code for wrong use."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _parser(chosen: str) -> _Parser:
    """Return the parser of the command line; the options of the chosen verb alone are known to it."""
    parser = _Parser(
        prog="gridgate-conformance",
        description="Plays the utility against a device and judges it, clause by clause. A pre-test, no certification.",
        epilog=EXITS,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        made = verbs.add_parser(name, help=verb.help, epilog=verb.exits)
        if name == chosen:
            found(verb.options)(made)
    return parser


def _act(given: argparse.Namespace) -> int:
    try:
        code: int = found(VERBS[given.verb].act)(given)
    except KeyboardInterrupt:
        sys.stderr.write("broken off; the same command with --out of this run goes on with it\n")
        return INTERRUPTED
    return code


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; expected faults become sentences on stderr.

    Args:
        arguments: Those of the process when none are given.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    chosen = next((word for word in words if word in VERBS), "")
    parser = _parser(chosen)
    given = parser.parse_args(words)
    given.refuse = parser.error
    try:
        return _act(given)
    except SuiteError as error:
        sys.stderr.write(f"gridgate-conformance: {error}\n")
        return Exit.USAGE
    except ConfigError as error:
        for fault in error.faults:
            row = by_reason(fault.reason, ConfigError) or row_of(error)
            lines = shape(row, fault.what, place=fault.place, key=fault.key)
            sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.write(f"{len(error.faults)} fault(s); nothing was started\n")
        return Exit.USAGE
    except GatewayError as error:
        sys.stderr.write("\n".join(shape(row_of(error), error.detail)) + "\n")
        return Exit.ERROR
    except OSError as error:
        unheard = ConfigError((f"cannot listen there: {error}",), "CANNOT_LISTEN")
        sys.stderr.write("\n".join(shape(row_of(unheard), unheard.detail)) + "\n")
        return Exit.ERROR


def main() -> NoReturn:
    """Run the command line and end the process."""
    sys.exit(run())


if __name__ == "__main__":
    main()
