"""``gridgate-conformance``: the verbs, their options and nothing else."""

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

from conformance.cli.ending import EXITS, Exit
from conformance.cli.judge import add_verbs, judge
from conformance.cli.schedule_file import read_schedule
from conformance.cli.serve import Desk, Timeline, plain_schedule, real_instant, serve_vtn2b
from conformance.cli.serve_gateway import serve_gateway
from conformance.reference.gateway import Options
from conformance.reference.scenes import SCENES
from conformance.soak.__main__ import add_options, soak
from gateway.domain.codes.registry import by_reason, row_of
from gateway.domain.codes.shape import shape
from gateway.domain.errors import ConfigError, GatewayError
from gateway.domain.timespan import instant


class _Parser(argparse.ArgumentParser):
    """Leaves with the suite's own code for wrong use."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="gridgate-conformance",
        description="Plays the utility against a device and judges it, clause by clause. A pre-test, no certification.",
        epilog=EXITS,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    serve = verbs.add_parser("serve", help="play a utility by hand", epilog=EXITS)
    roles = serve.add_subparsers(dest="role", required=True, metavar="ROLE")
    vtn2b = roles.add_parser(
        "vtn2b",
        help="an OpenADR 2.0b VTN, pull and push",
        description="Plays a VTN until interrupted: that of a schedule, or one that does what its operator tells it "
        "over JSON on loopback. Tells on stdout, one JSON object a line, who registers, opts and reports what, and "
        "where the operator's interface is, with its token.",
        epilog=EXITS,
    )
    _add_vtn2b(vtn2b)
    clock = vtn2b.add_argument_group(
        "shared timeline", "all three or none: the same values in every process of a demonstration"
    )
    clock.add_argument("--clock-origin", metavar="ISO", help="instant of the timeline at the start")
    clock.add_argument(
        "--clock-start", type=float, metavar="UNIXSECONDS", help="real instant of the start"
    )
    clock.add_argument(
        "--clock-factor", type=float, metavar="N", help="seconds of the timeline per real second"
    )
    _add_gateway(roles)
    add_verbs(verbs)
    soaking = verbs.add_parser(
        "soak",
        help="attack the main job in every known way",
        description="Crashes, power loss, faults and wrong devices; prints one table. Minutes; --quick: seconds.",
        epilog="Exit codes: 0 everything as it must be, 1 not, 4 usage or interrupted.",
    )
    add_options(soaking)
    return parser


def _add_vtn2b(vtn2b: _Parser) -> None:
    vtn2b.add_argument("--schedule", type=Path, metavar="FILE", help="TOML file")
    plain = vtn2b.add_argument_group("without a schedule", "plain HTTP on loopback")
    plain.add_argument("--port", type=int, help="0, the default: any free one")
    plain.add_argument("--vtn-id", metavar="ID", help="GRIDGATE-VTN unless given")
    plain.add_argument("--store", type=Path, metavar="FILE", help="SQLite file that outlives it")
    admin = vtn2b.add_argument_group("operator's interface", "on without a schedule")
    admin.add_argument("--admin-port", type=int, metavar="N", help="on 127.0.0.1; 0: any free one")
    admin.add_argument(
        "--admin-token-file", type=Path, metavar="FILE", help="token; drawn and told without it"
    )


def _vtn2b(parser: _Parser, given: argparse.Namespace) -> int:
    for name in ("port", "admin_port"):
        if not 0 <= (getattr(given, name) or 0) <= 65535:
            parser.error(f"--{name.replace('_', '-')} must lie between 0 and 65535")
    timeline = _timeline(parser, given)
    if given.schedule is None:
        vtn_id = "GRIDGATE-VTN" if given.vtn_id is None else given.vtn_id
        schedule = plain_schedule(vtn_id, given.port or 0, given.store)
    elif (given.port, given.vtn_id, given.store) != (None, None, None):
        parser.error(
            "--port, --vtn-id and --store stand in the schedule: [listen] port, [vtn] id, store"
        )
    else:
        schedule = read_schedule(given.schedule)
    wanted = given.schedule is None or given.admin_port is not None
    desk = Desk(port=given.admin_port or 0, token=_token(parser, given.admin_token_file))
    return serve_vtn2b(schedule, timeline, desk if wanted else None)


def _token(parser: _Parser, file: Path | None) -> str:
    if file is None:
        return ""
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        parser.error(f"--admin-token-file cannot be read: {type(error).__name__}")
    if len(token) < 16:
        parser.error("--admin-token-file holds fewer than 16 characters; write a longer token")
    return token


def _add_gateway(roles: "argparse._SubParsersAction[_Parser]") -> None:
    role = roles.add_parser(
        "gateway",
        help="a gateway for scheduler developers",
        description="A gateway with a made-up utility, its time pressed together: it waits for your scheduler, then "
        "plays the scenario over and over. Tells on stdout, one JSON object a line, where to connect and what your "
        "site answered. Everything is simulated.",
        epilog=EXITS,
    )
    role.add_argument("--scenario", choices=sorted(SCENES), default="phoenix")
    role.add_argument("--factor", type=float, default=60.0, metavar="N", help="times as fast")
    role.add_argument("--port", type=int, default=8443, help="0: any free one")
    role.add_argument("--site", default="phx-1", help="name of your site")
    role.add_argument("--contracted-kw", type=float, default=120.0, metavar="KW")
    role.add_argument("--plain", action="store_true", help="HTTP instead of HTTPS, on loopback")
    role.add_argument("--folder", type=Path, default=Path(), help="keep store, token and CA there")


def _gateway_options(parser: _Parser, given: argparse.Namespace) -> Options:
    if not 1 <= given.factor <= 600:
        parser.error("--factor must lie between 1 and 600")
    if not 0 <= given.port <= 65535:
        parser.error("--port must lie between 0 and 65535")
    if not 1 <= given.contracted_kw <= 10**7:
        parser.error("--contracted-kw must lie between 1 and 10000000")
    return Options(
        scenario=given.scenario,
        folder=given.folder,
        site=given.site,
        contracted_kw=Decimal(str(given.contracted_kw)),
        port=given.port,
        tls=not given.plain,
        factor=given.factor,
    )


def _timeline(parser: _Parser, given: argparse.Namespace) -> Timeline | None:
    values = (given.clock_origin, given.clock_start, given.clock_factor)
    if all(value is None for value in values):
        return None
    if any(value is None for value in values):
        parser.error("--clock-origin, --clock-start and --clock-factor belong together")
    if not 0 < given.clock_factor <= 1e6:
        parser.error("--clock-factor must lie above 0 and not above 1000000")
    try:
        return Timeline(
            origin=instant(given.clock_origin),
            started=real_instant(given.clock_start),
            factor=given.clock_factor,
        )
    except (GatewayError, ValueError, OverflowError, OSError) as error:
        parser.error(f"--clock-origin or --clock-start is no instant: {error}")


def _act(parser: _Parser, given: argparse.Namespace) -> int:
    if given.verb == "soak":
        return soak(given)
    if given.verb != "serve":
        return judge(given)
    if given.role == "gateway":
        return serve_gateway(_gateway_options(parser, given))
    return _vtn2b(parser, given)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; expected faults become sentences on stderr.

    Args:
        arguments: Those of the process when none are given.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return _act(parser, given)
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
