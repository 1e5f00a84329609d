"""``python -m conformance.demo phoenix``: what ``gridgate demo phoenix`` runs. Exit code 1 when a target is missed."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from conformance.demo.cast import CASTS
from conformance.demo.conclude import conclude
from conformance.demo.outcome import Outcome
from conformance.demo.report import write_report
from conformance.demo.scaled import play_scaled
from conformance.demo.virtual import play_virtual
from gateway.client.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.protocol import ProtocolName
from gateway.observability.logs import set_up

OK: Final = 0
MISSED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 4
FASTEST: Final = 1000.0
"""Above this the timeline leaves too little real time for polls and samples."""


def main(arguments: list[str] | None = None) -> int:
    """Run one demonstration and say how it went."""
    given = _parser().parse_args(arguments)
    if not 1 <= given.speed <= FASTEST:
        sys.stderr.write(f"error: --speed must lie between 1 and {FASTEST:g}\n")
        return WRONG_USE
    folder = given.folder or _fresh_folder(SystemClock().now())
    if folder.exists() and any(folder.iterdir()):
        sys.stderr.write(f"error: {folder} is not empty; name another --folder\n")
        return WRONG_USE
    set_up(SystemClock().now, as_json=False, level="warning")
    protocol = ProtocolName(given.protocol)
    if not given.virtual and protocol is not ProtocolName.OADR20B:
        sys.stderr.write(f"error: --protocol {protocol} needs --virtual\n")
        return WRONG_USE
    try:
        ran = (
            play_virtual(folder, given.seed, protocol)
            if given.virtual
            else play_scaled(folder, given.seed, given.speed, buffered=not given.no_buffer)
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    except GatewayError as error:
        sys.stderr.write(f"error[{error.reason}]: {error.detail}\n")
        return MISSED
    outcome = conclude(ran, folder)
    report = write_report(outcome, folder / "report.html")
    _say(outcome, report, as_json=given.as_json)
    return MISSED if outcome.misses else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gridgate demo")
    parser.add_argument("scenario", choices=["phoenix"])
    parser.add_argument("--speed", type=float, default=400.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--protocol", choices=[name.value for name in CASTS], default=ProtocolName.OADR20B.value
    )
    parser.add_argument("--virtual", action="store_true")
    parser.add_argument("--no-buffer", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", dest="as_json", action="store_true")
    return parser


def _fresh_folder(now: datetime) -> Path:
    return Path("var") / f"demo-{now:%Y%m%d-%H%M%S-%f}"


def _say(outcome: Outcome, report: Path, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(outcome.document(), indent=2) + "\n")
        sys.stderr.write(f"report: {report}\n")
        return
    sys.stdout.write(_summary(outcome, report))


def _summary(outcome: Outcome, report: Path) -> str:
    power, statement = outcome.power, outcome.statement
    verdict = "every target met" if not outcome.misses else "MISSED: " + "; ".join(outcome.misses)
    missing = f"; {len(power.missing)} minutes were not metered" if power.missing else ""
    return f"""
Phoenix demonstration (simulated site, test certificates, demo prices)

  asked       {outcome.limit_kw} kW at most, {outcome.share:.0%} of {outcome.pre_event_kw:.3f} kW GPU power
  hold        {power.samples_met} of {power.samples} minutes met, at most {power.max_kw_in_hold or 0:.1f} kW{missing}
  ramp        {power.ramp_minutes} min in, {power.recovery_minutes} min back
  throughput  {outcome.throughput:.4f} weighted; pause greedy {outcome.throughput_pause_greedy:.4f}
  reduction   {statement.totals.reduction_kwh:.3f} kWh against {statement.baseline_method}
  payment     {statement.totals.payment} {statement.currency}, performance {statement.performance or 0:.1%}
  result      {verdict}

Verify the statement from its evidence alone:
  {outcome.verify_command}
Report:
  {report.resolve()}
"""


if __name__ == "__main__":
    structlog.reset_defaults()
    sys.exit(main())
