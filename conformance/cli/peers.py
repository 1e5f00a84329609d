"""The verb ``peers``: judges a device of somebody else's and compares with the verdicts that are kept of it."""

import argparse
import sys
from pathlib import Path

from conformance.cli.ending import Exit
from conformance.cli.playing import played
from conformance.engine.run import Order, prepare
from conformance.foreign.expected import find_peer, peer_names, surprises


def add_peers(verb: argparse.ArgumentParser) -> None:
    """Give the verb its options."""
    verb.description = (
        "The device is a program of its own, one process for every case, on the wall's clock or a faster one. A "
        "verdict that differs from the expected one either way ends with code 1."
    )
    verb.add_argument("peer", nargs="?", default="openleadr", choices=peer_names())
    verb.add_argument("--subset", action="store_true", help="the cases of the daily test alone")
    verb.add_argument("--only", action="append", default=[], metavar="WORD", help="as of run")
    verb.add_argument("--jobs", type=int, metavar="N", help="side by side")
    verb.add_argument("--seed", type=int, default=1, metavar="N")
    verb.add_argument("--out", type=Path, metavar="DIR", help="directory of the evidence")
    verb.add_argument("--key", type=Path, metavar="FILE", help="Ed25519 key (PEM) that seals")


def run_peers(given: argparse.Namespace) -> int:
    """Play, and say in what the verdicts differ from those expected."""
    peer = find_peer(given.peer)
    only = tuple(given.only) or (peer.expected.subset if given.subset else ())
    order = Order(
        plan=peer.expected.plan,
        pics=peer.pics,
        ixit=peer.ixit,
        only=only,
        seed=given.seed,
        time=peer.expected.time,
        jobs=max(1, given.jobs or peer.expected.side_by_side),
    )
    verdicts = played(prepare(order), given.out, given.key)
    found = surprises(peer.expected, verdicts.cases)
    for line in found:
        sys.stderr.write(f"{line}\n")
    word = "all as expected" if not found else f"{len(found)} not as expected"
    sys.stderr.write(f"{peer.name}: {word}\n")
    return Exit.FAIL if found else Exit.OK
