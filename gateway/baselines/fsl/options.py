"""Options of ``fsl``."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gateway.baselines.method import MethodOptions
from gateway.domain.quantity import ExactNumber


class FslOptions(MethodOptions):
    """A power by number, or one that was frozen when the event was taken in."""

    family: Literal["fsl"] = "fsl"
    plc_kw: ExactNumber | Literal["pre_event_kw"]
    """Peak load contribution; ``pre_event_kw`` takes the frozen mean before the event."""
    fsl_kw: ExactNumber | Literal["limit_kw"]
    """Firm service level; ``limit_kw`` takes the frozen cap."""
    loss_factor: Annotated[ExactNumber, Field(gt=0)] = Decimal(1)
