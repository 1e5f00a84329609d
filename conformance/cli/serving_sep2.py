"""The options of ``serve sep2``."""

import argparse
from pathlib import Path
from typing import Final, TypeVar

from conformance.cli.ending import EXITS
from conformance.cli.serve_sep2 import Sep2Serving, serve_sep2
from conformance.cli.timeline import add_timeline, timeline_of
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.lines import NotifyPin
from gateway.servers.sep2.meters import DAYS
from gateway.transport.sep2_tls import Sep2Profile
from gateway.transport.targets import read_network
from gateway.transport.tls import TlsFiles

P = TypeVar("P", bound=argparse.ArgumentParser)

_SWITCHES: Final = {
    "--old-namespace": "take documents of 2013 too",
    "--old-answers": "answer in them before a client has written",
    "--grant-reservations": "grant what is asked for, at once",
}


def add_sep2(roles: "argparse._SubParsersAction[P]") -> None:
    """Give the role its options."""
    role = roles.add_parser(
        "sep2",
        help="an IEEE 2030.5 utility",
        description="Plays a 2030.5 server over mutual TLS until interrupted; its operator registers devices, issues "
        "controls and reads back what devices tell, over JSON on loopback. Tells on stdout, one JSON object a line, "
        "what devices post, and where the operator's interface is, with its token.",
        epilog=EXITS,
    )
    role.add_argument("--certificate", type=Path, required=True, metavar="FILE", help="with chain")
    role.add_argument("--key", type=Path, required=True, metavar="FILE")
    role.add_argument("--ca", type=Path, required=True, metavar="FILE", help="root of the devices")
    role.add_argument("--profile", choices=[str(one) for one in Sep2Profile], default="sep2")
    role.add_argument("--no-tickets", action="store_true", help="every handshake a full one")
    role.add_argument("--host", default="127.0.0.1", help="address to listen on")
    role.add_argument("--port", type=int, default=0, help="0, the default: any free one")
    role.add_argument("--store", type=Path, metavar="FILE", help="SQLite file that outlives it")
    role.add_argument(
        "--keep-readings", type=int, default=DAYS, metavar="DAYS", help="then values are forgotten"
    )
    role.add_argument("--edition", choices=["2018", "2023"], default="2018")
    role.add_argument("--csip-aus", action="store_true", help="with the elements of CSIP-AUS")
    role.add_argument("--in-band", action="store_true", help="devices may register themselves")
    for name, told in _SWITCHES.items():
        role.add_argument(name, action="store_true", help=told)
    role.add_argument("--poll-rate", type=int, default=60, metavar="S")
    role.add_argument("--post-rate", type=int, default=300, metavar="S")
    role.add_argument(
        "--origin", default="", metavar="URL", help="https://host:port as clients reach it"
    )
    _add_notify(role)
    _add_rate(role)
    add_timeline(role)
    role.add_argument("--admin-port", type=int, default=0, metavar="N", help="on 127.0.0.1")
    role.add_argument(
        "--admin-token-file", type=Path, metavar="FILE", help="token; drawn and told without it"
    )


def _add_notify(role: argparse.ArgumentParser) -> None:
    role.add_argument("--no-subscriptions", action="store_true", help="polling alone")
    role.add_argument(
        "--notify-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host that notifications may go to; may be given again; without it any",
    )
    role.add_argument(
        "--notify-network",
        action="append",
        default=[],
        metavar="CIDR",
        help="own network that they may reach, e.g. 127.0.0.0/8; without it the Internet alone",
    )
    role.add_argument(
        "--notify-pin",
        choices=[str(one) for one in NotifyPin],
        default="lfdi",
        help="whose certificate a listener must show: the subscriber's, or any of the hierarchy",
    )


def run_sep2(given: argparse.Namespace, token: str) -> int:
    """Play the utility until interrupted.

    Args:
        given: As parsed.
        token: Of the operator; empty: to be drawn.

    Raises:
        ConfigError: certificate, key and authority do not fit.
    """
    for name in ("port", "admin_port"):
        if not 0 <= getattr(given, name) <= 65535:
            given.refuse(f"--{name.replace('_', '-')} must lie between 0 and 65535")
    _judge_rates(given)
    for text in given.notify_network:
        why = _why_not(text)
        if why:
            given.refuse(f"--notify-network {why}")
    networks = tuple(map(read_network, given.notify_network))
    return serve_sep2(
        Sep2Serving(
            options=_options(given),
            files=TlsFiles(certificate=given.certificate, key=given.key, ca=given.ca),
            profile=Sep2Profile(given.profile),
            tickets=not given.no_tickets,
            host=given.host,
            port=given.port,
            store=given.store,
            keep_readings=given.keep_readings,
            networks=networks,
            pin=NotifyPin(given.notify_pin),
            origin=given.origin.rstrip("/"),
            requests_per_s=given.requests_per_s,
            timeline=timeline_of(given.refuse, given),
            admin_port=given.admin_port,
            admin_token=token,
        )
    )


def _options(given: argparse.Namespace) -> ServerOptions:
    edition = Edition.Y2018 if given.edition == "2018" else Edition.Y2023
    return ServerOptions(
        flavour=Flavour(edition=edition, csip_aus=given.csip_aus),
        in_band=given.in_band,
        old_namespace=given.old_namespace or given.old_answers,
        old_answers=given.old_answers,
        grants_reservations=given.grant_reservations,
        poll_rate=given.poll_rate,
        event_poll_rate=given.poll_rate,
        post_rate=given.post_rate,
        subscriptions=not given.no_subscriptions,
        notify_hosts=frozenset(host.lower() for host in given.notify_host),
    )


def _add_rate(role: argparse.ArgumentParser) -> None:
    role.add_argument(
        "--requests-per-s",
        type=float,
        default=50.0,
        metavar="N",
        help="of one client in the long run; 0: as many as it likes",
    )


def _judge_rates(given: argparse.Namespace) -> None:
    if not 1 <= given.keep_readings <= 36_500:
        given.refuse("--keep-readings must lie between 1 and 36500")
    for name in ("poll_rate", "post_rate"):
        if not 1 <= getattr(given, name) <= 86_400:
            given.refuse(f"--{name.replace('_', '-')} must lie between 1 and 86400")
    if not 0 <= given.requests_per_s <= 1_000_000:
        given.refuse("--requests-per-s must lie between 0 and 1000000")


def _why_not(network: str) -> str:
    try:
        read_network(network)
    except ValueError as error:
        return str(error)
    return ""
