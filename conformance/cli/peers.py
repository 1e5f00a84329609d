"""The verb ``peers``: judges a device of somebody else's and compares with the verdicts that are kept of it."""

import argparse
import sys
from pathlib import Path

from conformance.cli.ending import Exit
from conformance.cli.playing import played
from conformance.engine.judging import Verdicts
from conformance.engine.plans import find_plan
from conformance.engine.run import Order, prepare
from conformance.foreign.expected import Peer, find_together, peer_names, surprises
from conformance.foreign.summary import summary


def add_peers(verb: argparse.ArgumentParser) -> None:
    """Give the verb its options."""
    verb.description = (
        "The device is a program of its own, one process for every case, on the wall's clock or a faster one, or a "
        "program of ours in this process, on the suite's own clock. A "
        "verdict that differs from the expected one either way ends with code 1."
    )
    verb.add_argument("peer", nargs="?", default="openleadr", choices=peer_names())
    verb.add_argument("--subset", action="store_true", help="the cases of the daily test alone")
    verb.add_argument("--only", action="append", default=[], metavar="WORD", help="as of run")
    verb.add_argument("--jobs", type=int, metavar="N", help="side by side")
    verb.add_argument("--seed", type=int, default=1, metavar="N")
    verb.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="directory of the evidence; of a further plan: with the device's name behind it",
    )
    verb.add_argument("--summary", type=Path, metavar="FILE", help="write a page of the verdicts")
    verb.add_argument("--key", type=Path, metavar="FILE", help="Ed25519 key (PEM) that seals")


def run_peers(given: argparse.Namespace) -> int:
    """Play, and say in what the verdicts differ from those expected."""
    peers = find_together(given.peer)
    done = [(peer, _played(peer, given)) for peer in peers]
    found = [
        f"{peer.name}: {line}"
        for peer, verdicts in done
        for line in surprises(peer.expected, verdicts.cases)
    ]
    for line in found:
        sys.stderr.write(f"{line}\n")
    if given.summary is not None:
        given.summary.write_text(summary(done), encoding="utf-8")
    word = "all as expected" if not found else f"{len(found)} not as expected"
    sys.stderr.write(f"{given.peer}: {word}\n")
    return Exit.FAIL if found else Exit.OK


def _played(peer: Peer, given: argparse.Namespace) -> Verdicts:
    expected = peer.expected
    every = [case.id for case in find_plan(expected.plan).cases]
    usual = expected.subset if given.subset else expected.played(every)
    order = Order(
        plan=expected.plan,
        pics=peer.pics,
        ixit=peer.ixit,
        only=tuple(given.only) or usual,
        seed=given.seed,
        time=expected.time,
        jobs=max(1, given.jobs or expected.side_by_side),
    )
    out = given.out
    if out is not None and peer.name != given.peer:
        out = out.with_name(f"{out.name}-{peer.name}")
    return played(prepare(order), out, given.key)
