"""Firm service level: drop to a fixed power, whatever the normal use."""

from gateway.baselines.fsl.compute import compute, reach
from gateway.baselines.fsl.options import FslOptions
from gateway.baselines.method import Method

METHOD = Method(options=FslOptions, reach=reach, compute=compute)
