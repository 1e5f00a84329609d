"""The reference site as a process of its own; see ``--help``."""

import argparse
import asyncio
import json
import logging
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from conformance.site.jobs import PHOENIX, scaled
from conformance.site.journal import Journal
from conformance.site.link import LinkOptions, client_options, connected
from conformance.site.minutes import RunOptions
from conformance.site.policies import POLICIES
from conformance.site.program import ProgramOptions, SiteProgram, Summary
from conformance.site.trace import Trace
from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.errors import ConfigError, GatewayError, WireError
from gateway.domain.timespan import Span, instant

DESCRIPTION: Final = """Simulates a data center (256 A100 GPUs, six jobs) that follows a gateway's plans. With --state
it may be killed at any instant and started again by the same command line. Exit codes: 0 played and told, 1 something
was refused or lost, 2 wrong use, 3 the gateway does not let the site in, 4 interrupted."""


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(prog="python -m conformance.site", description=DESCRIPTION)
    made.add_argument("--url", required=True, help="southbound API of the gateway, ending in /v1")
    made.add_argument("--token-file", type=Path, required=True, help="file with the site's token")
    made.add_argument("--ca", type=Path, help="CA of the gateway's certificate, PEM")
    made.add_argument("--site", required=True, help="name of the site at the gateway")
    made.add_argument("--seed", type=int, default=1, help="of the plant's noise")
    made.add_argument("--policy", choices=sorted(POLICIES), default="dvfs_greedy")
    made.add_argument("--scale", type=_count, default=1, help="times 256 GPUs")
    made.add_argument("--start", type=_instant, required=True, help="first minute of the run")
    made.add_argument("--end", type=_instant, required=True, help="end of the run")
    made.add_argument("--clock-origin", type=_instant, help="the timeline passes this instant ...")
    made.add_argument("--clock-start", type=float, default=0.0, help="... at this Unix time ...")
    made.add_argument(
        "--clock-factor", type=float, default=1.0, help="... and is so many times as fast"
    )
    made.add_argument("--heartbeat-s", type=float, default=15.0, help="in seconds of the timeline")
    made.add_argument("--drain-s", type=float, default=60.0, help="real seconds to wait at the end")
    made.add_argument("--state", type=Path, help="folder that makes a restart go on")
    made.add_argument("--trace", type=Path, help="write a JSON line a minute")
    made.add_argument(
        "--no-buffer", action="store_true", help="drop samples that cannot be sent at once"
    )
    made.add_argument("--json", action="store_true", help="one JSON document on stdout at the end")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Play one run; return the exit code."""
    logging.basicConfig(stream=sys.stderr, format="site: %(levelname)s %(message)s")
    read = parser()
    args = read.parse_args(arguments)
    try:
        options = _options(args)
        journal = Journal(_kept(args, "journal"), options.name)
    except (ConfigError, ValueError) as error:
        read.error(str(error))
    try:
        summary = _played(args, options, journal)
    except KeyboardInterrupt:
        return 4
    if summary is None:
        return 3
    document = summary_document(options, summary)
    sys.stdout.write(json.dumps(document) + "\n" if args.json else _sentences(document))
    lost = 0 if args.no_buffer else summary.dropped_samples
    return 1 if summary.untold or summary.refused or lost else 0


def summary_document(options: ProgramOptions, summary: Summary) -> dict[str, object]:
    """Return the summary as JSON: numbers, since it is a report."""
    account = summary.account
    return {
        "site": options.site,
        "policy": options.run.policy,
        "seed": options.run.seed,
        "minutes": summary.minutes,
        "weighted_throughput": float(account.weighted_throughput),
        "throughput": {name: float(mean) for name, mean in account.throughput.items()},
        "floors_met": account.floors_met,
        "untold": summary.untold,
        "refused": summary.refused,
        "dropped_samples": summary.dropped_samples,
        "leases_lost": summary.leases_lost,
        "simulated": True,
    }


def _played(args: argparse.Namespace, options: ProgramOptions, journal: Journal) -> Summary | None:
    try:
        return asyncio.run(_play(args, options, journal))
    except* GatewayError as refusals:
        sys.stderr.write(f"site: {_first(refusals)}\n")
    return None


async def _play(args: argparse.Namespace, options: ProgramOptions, journal: Journal) -> Summary:
    clock: ScaledClock = SystemClock()
    if args.clock_origin is not None:
        started = datetime.fromtimestamp(args.clock_start, UTC)
        clock = ScaledClock(args.clock_origin, started, args.clock_factor)
    program = SiteProgram(
        options=options,
        clock=clock,
        journal=journal,
        trace=Trace(args.trace, options.run.mix),
    )
    link_options = LinkOptions(
        url=args.url,
        site=args.site,
        token_file=args.token_file,
        tls=None if args.ca is None else ssl.create_default_context(cafile=args.ca),
        buffer_dir=_kept(args, "buffer"),
        client=client_options(
            _factor(args), heartbeat_s=args.heartbeat_s, buffered=not args.no_buffer
        ),
    )
    with clock.held():
        async with connected(link_options, clock, program.lease_lost) as link:
            return await program.run(link)


def _options(args: argparse.Namespace) -> ProgramOptions:
    span = Span(start=args.start, end=args.end)
    factor = _factor(args)
    return ProgramOptions(
        site=args.site,
        run=RunOptions(
            span=span, seed=args.seed, policy=args.policy, mix=scaled(PHOENIX, args.scale)
        ),
        retry_s=max(2.0, 0.5 * factor),
        drain_s=args.drain_s * factor,
    )


def _factor(args: argparse.Namespace) -> float:
    return float(args.clock_factor) if args.clock_origin is not None else 1.0


def _kept(args: argparse.Namespace, name: str) -> Path | None:
    if args.state is None:
        return None
    folder: Path = args.state
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except WireError as error:
        raise argparse.ArgumentTypeError(error.detail) from None


def _count(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("a whole number, 1 or more")
    return int(text)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group, however deep it lies."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def _sentences(document: dict[str, object]) -> str:
    return "".join(f"{key}: {told}\n" for key, told in document.items())


if __name__ == "__main__":
    sys.exit(main())
