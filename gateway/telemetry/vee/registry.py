"""The rules in the order they run: one line per rule. The order is part of the profile."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.telemetry.vee.alignment import alignment
from gateway.telemetry.vee.duplicates import duplicates
from gateway.telemetry.vee.gaps import gaps
from gateway.telemetry.vee.range import range_
from gateway.telemetry.vee.register import register
from gateway.telemetry.vee.series import Series
from gateway.telemetry.vee.spike import spike
from gateway.telemetry.vee.stuck import stuck

Rule = Callable[[Series], Series]

RULES: Final[Mapping[str, Rule]] = {
    "alignment": alignment,
    "duplicates": duplicates,
    "range": range_,
    "spike": spike,
    "stuck": stuck,
    "gaps": gaps,
    "register": register,
}
