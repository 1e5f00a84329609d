"""Joins telemetry, baselines and settlement, which do not know each other."""

from typing import Final

from gateway.baselines.registry import compute, reach
from gateway.settlement.methods import Methods
from gateway.telemetry.measure import measure
from gateway.telemetry.samples import readings_of
from gateway.telemetry.window import present_consumption

METHODS: Final = Methods(
    read=readings_of,
    present=present_consumption,
    measure=measure,
    reach=reach,
    baseline=compute,
)
"""What the gateway settles with, and what ``gridgate evidence verify`` computes again with."""
