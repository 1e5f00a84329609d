"""What an operator can set about validation; defaults are profile V1."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.domain.errors import ConfigError
from gateway.domain.quantity import ExactNumber
from gateway.domain.timespan import Duration

Positive = Annotated[int, Field(ge=1)]


class Register(BaseModel):
    """Register reads at both ends of the period, for the sum check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: ExactNumber
    end: ExactNumber
    multiplier: ExactNumber
    """kWh per count of the register."""
    resolution: ExactNumber
    """Smallest step of the register, in counts."""


class VeeOptions(BaseModel):
    """Parameters of the rules of one meter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_kw: ExactNumber | None = None
    """More is no plausible reading; null: not tested."""
    bidirectional: bool = False
    """False: a negative value is invalid."""
    spike_action: Literal["flag", "invalidate"] = "invalidate"
    """``flag`` for irregular loads such as batch computing, whose steps are real."""
    spike_threshold: ExactNumber = Decimal("1.8")
    """(highest - third highest) / third highest of a local day above which the highest is a spike."""
    spike_min_intervals: Annotated[int, Field(ge=3)] = 3
    """Values a day must have for the spike test."""
    stuck_run: Annotated[int, Field(ge=2)] = 12
    """Equal non-zero neighbours that make a meter look stuck."""
    linear_gap: Duration = timedelta(hours=2)
    """Longest gap that is bridged by a straight line."""
    like_days: Positive = 3
    """Newest like days that a longer gap is estimated from."""
    like_within_days: Positive = 30
    holidays: tuple[date, ...] = ()
    """Local dates that count as weekend."""
    event_days: tuple[date, ...] = ()
    """Local dates that are no reference for estimates."""
    outage_days: tuple[date, ...] = ()
    exclude_outage_days_from_reference: bool = False
    register_reads: Annotated[Register | None, Field(alias="register")] = None


def vee_options(parameters: Mapping[str, object]) -> VeeOptions:
    """Read the rules' parameters.

    Raises:
        ConfigError: naming every key that is unknown or out of range.
    """
    try:
        return VeeOptions.model_validate(dict(parameters))
    except ValidationError as error:
        raise ConfigError(
            tuple(
                f"vee.{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors()
            )
        ) from None
