"""What was agreed before the event: meter, rules, baseline, price; logged as the ``config`` record."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, JsonValue, field_validator, model_validator

from gateway.domain.errors import MisuseError
from gateway.domain.program import Program
from gateway.domain.quantity import ExactNumber, plain
from gateway.domain.settlement import Document
from gateway.domain.site import Meter, Site
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration

FSL_BESIDE: Final[Mapping[str, JsonValue]] = {
    "family": "fsl",
    "plc_kw": "pre_event_kw",
    "fsl_kw": "limit_kw",
    "loss_factor": "1",
}
"""Firm service level on the powers frozen at intake: shown beside every paid baseline."""

Minutes = Annotated[int, Field(ge=1, le=1440)]


class StatementTerms(Document):
    """Everything a statement depends on besides the event, the answers and the meter."""

    utility: Name
    program: Text
    site: Name
    meter: Name
    """The contract meter."""
    timezone: Name
    """IANA zone of local days."""
    meter_interval: Duration
    """Length of one raw reading."""
    interval: Duration
    """Settlement interval: payment is computed per interval, without netting."""
    present_minutes: Minutes = 60
    present_least: Minutes = 45
    vee: dict[str, JsonValue] = {}
    """Parameters of the validation rules."""
    baseline: dict[str, JsonValue]
    """The method that is paid on: ``family`` and its parameters."""
    alternatives: tuple[dict[str, JsonValue], ...] = ()
    obligation: Literal["fraction", "limit"] = "fraction"
    """``fraction``: (1 - fraction) x baseline where the utility asked for a fraction of it, else as ``limit``;
    ``limit``: baseline minus the frozen cap."""
    missing: Literal["shortfall", "excluded"] = "shortfall"
    """A missing interval earns nothing; ``shortfall`` also counts its obligation as not delivered."""
    quality_limit: Annotated[ExactNumber, Field(ge=0, le=1)] = Decimal("0.25")
    """Share of event intervals that may be other than actual before the event's quality is insufficient."""
    currency: Name
    price_per_kwh: ExactNumber
    penalty_per_kwh: ExactNumber
    simulated: bool = False
    test: bool = False

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no IANA time zone has this name") from None
        return name

    @model_validator(mode="after")
    def _intervals_fit(self) -> Self:
        if self.meter_interval < timedelta(seconds=1) or self.interval <= timedelta(0):
            raise ValueError("interval must be positive and meter_interval a second at least")
        if self.interval % self.meter_interval:
            raise ValueError("interval must be a whole multiple of meter_interval")
        return self


def terms_of(
    program: Program, site: Site, *, simulated: bool = False, test: bool = False
) -> StatementTerms:
    """Write down what a program and a site were configured with.

    Raises:
        MisuseError: ``NO_METER`` when the site's contract meter is not among its meters.
    """
    meter = next((meter for meter in site.meters if meter.meter == site.contract_meter), None)
    if meter is None:
        raise MisuseError("NO_METER", f"site {site.site} has no meter {site.contract_meter}")
    return StatementTerms(
        utility=program.utility,
        program=program.name,
        site=site.site,
        meter=site.contract_meter,
        timezone=site.timezone,
        meter_interval=meter.interval,
        interval=program.settlement_interval,
        present_minutes=program.present_minutes,
        present_least=program.present_least,
        vee=vee_rules(meter),
        baseline=_baseline(program),
        alternatives=() if program.baseline_method == "fsl" else (dict(FSL_BESIDE),),
        currency=program.currency,
        price_per_kwh=program.price_per_kwh,
        penalty_per_kwh=program.penalty_per_kwh,
        simulated=simulated,
        test=test,
    )


def vee_rules(meter: Meter) -> dict[str, JsonValue]:
    """Return the validation parameters of a meter, the same for reports and statements."""
    # Batch computing steps up and down for good reasons: a spike is said, not removed.
    return {
        "max_kw": plain(meter.max_kw),
        "bidirectional": meter.bidirectional,
        "spike_action": "flag",
    }


def _baseline(program: Program) -> dict[str, JsonValue]:
    if program.baseline_method == "fsl":
        return dict(FSL_BESIDE)
    return {
        "family": program.baseline_method,
        "windows": [
            {"anchor": window.anchor, "from_min": window.from_min, "to_min": window.to_min}
            for window in program.baseline_windows
        ],
    }
