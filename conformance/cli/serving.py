"""The verb ``serve``: plays the utility, or a gateway for developers of schedulers, by hand."""

import argparse
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from conformance.cli.ending import EXITS
from conformance.cli.schedule_file import read_schedule
from conformance.cli.serve import Desk, plain_schedule, serve_vtn2b
from conformance.cli.serve_gateway import serve_gateway
from conformance.cli.serving_sep2 import add_sep2, run_sep2
from conformance.cli.timeline import Refuse, add_timeline, timeline_of
from conformance.reference.gateway import Options
from conformance.reference.scenes import SCENES

P = TypeVar("P", bound=argparse.ArgumentParser)


def add_serve(verb: argparse.ArgumentParser) -> None:
    """Give the verb its roles and their options."""
    roles = verb.add_subparsers(dest="role", required=True, metavar="ROLE")
    vtn2b = roles.add_parser(
        "vtn2b",
        help="an OpenADR 2.0b VTN, pull and push",
        description="Plays a VTN until interrupted: that of a schedule, or one that does what its operator tells it "
        "over JSON on loopback. Tells on stdout, one JSON object a line, who registers, opts and reports what, and "
        "where the operator's interface is, with its token.",
        epilog=EXITS,
    )
    _add_vtn2b(vtn2b)
    add_timeline(vtn2b)
    _add_gateway(roles)
    add_sep2(roles)


def run_serve(given: argparse.Namespace) -> int:
    """Play the utility, or the gateway, until interrupted."""
    refuse: Refuse = given.refuse
    if given.role == "gateway":
        return serve_gateway(_gateway_options(refuse, given))
    if given.role == "sep2":
        return run_sep2(given, _token(refuse, given.admin_token_file))
    return _vtn2b(refuse, given)


def _add_vtn2b(vtn2b: argparse.ArgumentParser) -> None:
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


def _vtn2b(refuse: Refuse, given: argparse.Namespace) -> int:
    for name in ("port", "admin_port"):
        if not 0 <= (getattr(given, name) or 0) <= 65535:
            refuse(f"--{name.replace('_', '-')} must lie between 0 and 65535")
    timeline = timeline_of(refuse, given)
    if given.schedule is None:
        vtn_id = "GRIDGATE-VTN" if given.vtn_id is None else given.vtn_id
        schedule = plain_schedule(vtn_id, given.port or 0, given.store)
    elif (given.port, given.vtn_id, given.store) != (None, None, None):
        refuse("--port, --vtn-id and --store stand in the schedule: [listen] port, [vtn] id, store")
    else:
        schedule = read_schedule(given.schedule)
    wanted = given.schedule is None or given.admin_port is not None
    desk = Desk(port=given.admin_port or 0, token=_token(refuse, given.admin_token_file))
    return serve_vtn2b(schedule, timeline, desk if wanted else None)


def _token(refuse: Refuse, file: Path | None) -> str:
    if file is None:
        return ""
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        refuse(f"--admin-token-file cannot be read: {type(error).__name__}")
    if len(token) < 16:
        refuse("--admin-token-file holds fewer than 16 characters; write a longer token")
    return token


def _add_gateway(roles: "argparse._SubParsersAction[P]") -> None:
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


def _gateway_options(refuse: Refuse, given: argparse.Namespace) -> Options:
    if not 1 <= given.factor <= 600:
        refuse("--factor must lie between 1 and 600")
    if not 0 <= given.port <= 65535:
        refuse("--port must lie between 0 and 65535")
    if not 1 <= given.contracted_kw <= 10**7:
        refuse("--contracted-kw must lie between 1 and 10000000")
    return Options(
        scenario=given.scenario,
        folder=given.folder,
        site=given.site,
        contracted_kw=Decimal(str(given.contracted_kw)),
        port=given.port,
        tls=not given.plain,
        factor=given.factor,
    )
