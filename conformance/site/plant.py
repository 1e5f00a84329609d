"""The plant: what the jobs draw and achieve, second by second, under settings that changed at known seconds.

It has no clock and is never stepped. Its state is the list of settings and when they were ordered; any stretch of
seconds can be asked for, in any order, as often as wanted, with the same answer.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from conformance.site.jobs import Mix, Settings, parts, power_mw, uncapped
from conformance.site.noise import ONE, factor_sum

LATENCY_S: Final = 1
"""Seconds until a new power cap, a pause or a resumption works: under a second in the field, so the next full one."""
MWS_PER_KWH: Final = 3_600_000_000
"""Milliwatt-seconds in a kilowatt-hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What one stretch of seconds came to, in the order of the mix."""

    noisy_mws: tuple[int, ...]
    """Energy of each job in mW s, times ``noise.ONE``."""
    part_seconds: tuple[int, ...]
    """Throughput of each job in parts, added up over the seconds."""

    @property
    def it_kwh(self) -> Fraction:
        """GPU energy of the site, exact."""
        return Fraction(sum(self.noisy_mws), ONE * MWS_PER_KWH)


class Plant:
    """The site's GPUs from the start of the run, uncapped until told otherwise.

    Args:
        mix: The jobs.
        seed: Of the noise.
    """

    def __init__(self, mix: Mix, seed: int) -> None:
        self.mix = mix
        self._seed = seed
        self._since = [0]
        self._settings = [uncapped(mix)]

    def order(self, settings: Settings, at: int) -> None:
        """Give new settings at a second, not before the latest order; they work ``LATENCY_S`` later."""
        works = at + LATENCY_S
        if settings == self._settings[-1]:
            return
        if works <= self._since[-1]:
            self._settings[-1] = settings
            return
        self._since.append(works)
        self._settings.append(settings)

    def settings_at(self, second: int) -> Settings:
        """Return what is in force in a second."""
        return self._settings[bisect_right(self._since, second) - 1]

    def drawn(self, first: int, last: int) -> Drawn:
        """Meter the seconds ``[first, last)``."""
        energy = [0] * len(self.mix)
        work = [0] * len(self.mix)
        for start, end, settings in self._stretches(first, last):
            for place, job in enumerate(self.mix):
                setting = settings[place]
                noise = factor_sum(self._seed, job.name, start, end)
                energy[place] += power_mw(job, setting) * noise
                work[place] += parts(job, setting) * (end - start)
        return Drawn(noisy_mws=tuple(energy), part_seconds=tuple(work))

    def _stretches(self, first: int, last: int) -> Iterator[tuple[int, int, Settings]]:
        place = bisect_right(self._since, first) - 1
        while first < last:
            after = self._since[place + 1] if place + 1 < len(self._since) else last
            yield first, min(after, last), self._settings[place]
            first, place = min(after, last), place + 1
