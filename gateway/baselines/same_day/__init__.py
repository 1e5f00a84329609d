"""Meter before / meter after: the same day's windows are the baseline."""

from gateway.baselines.method import Method
from gateway.baselines.same_day.compute import compute, reach
from gateway.baselines.same_day.options import SameDayOptions

METHOD = Method(options=SameDayOptions, reach=reach, compute=compute)
