"""Meters speak: batches are stored as they come, and read back validated for reports and settlement."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.errors import MeterDataError, SessionError
from gateway.domain.names import MeterId, SiteId
from gateway.domain.reading import MeasureRequest, Reading
from gateway.domain.site import Meter, Site
from gateway.pipeline.book import Office
from gateway.pipeline.late import note
from gateway.pipeline.ports import Seen, Work
from gateway.protocols.actions import Collect, Readings
from gateway.settlement.terms import vee_rules
from gateway.telemetry.measure import measure

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""A site's clock may be ahead by so much; what lies further in the future was not metered by our clock."""
NO_CLOCK_DIFFERS: Final = timedelta(days=1)
"""Beyond this it is no question of clocks: the reading is wrong, today and tomorrow."""


def store_batch(work: Work, site: Site, batch: TelemetryBatch, received_at: datetime) -> Seen:
    """Store one batch, its readings and its evidence record; what comes late for a statement is noted with it.

    Raises:
        MeterDataError: ``UNKNOWN_METER``, ``WRONG_INTERVAL``, ``OUT_OF_RANGE``, ``NOT_METERED_YET``; nothing is stored;
            ``CLOCKS_DIFFER``: send it again later.
        SessionError: ``CONFLICT`` when the batch id is known with other content.
    """
    meters = {meter.meter: meter for meter in site.meters}
    for sample in batch.samples:
        _check(sample, meters, site)
        ahead = sample.start + sample.duration - received_at
        if ahead > NO_CLOCK_DIFFERS:
            raise MeterDataError("NOT_METERED_YET", "an interval ends after the gateway's clock")
        if ahead > CLOCKS_DIFFER:
            # One of the clocks is wrong, perhaps ours: what is refused for good is lost.
            detail = "an interval ends after the gateway's clock: check both clocks, send it again"
            raise MeterDataError("CLOCKS_DIFFER", detail)
    seen = work.telemetry.add(site.site, batch, received_at)
    if seen is Seen.CONFLICT:
        detail = f"batch {batch.batch_id} was stored before with other samples; use a new id"
        raise SessionError("CONFLICT", detail)
    if seen is Seen.NEW:
        document = {"site": site.site, "batch": batch.model_dump(mode="json")}
        index = work.log.append("telemetry", site.site, document, received_at)
        note(work, site, batch, index, received_at)
    return seen


def _check(sample: Sample, meters: dict[MeterId, Meter], site: Site) -> None:
    meter = meters.get(MeterId(sample.meter))
    if meter is None:
        known = ", ".join(sorted(meters))
        raise MeterDataError("UNKNOWN_METER", f"site {site.site} has no such meter; it has {known}")
    if sample.duration != meter.interval:
        raise MeterDataError(
            "WRONG_INTERVAL",
            f"meter {meter.meter} is read every {meter.interval.total_seconds():g} s",
        )
    if abs(sample.energy_kwh) > Decimal(10) ** 9:
        raise MeterDataError("OUT_OF_RANGE", "an interval may carry 10^9 kWh at most")


@dataclass(frozen=True, slots=True)
class Measure:
    """Reads metered values back, for reports to the utility."""

    office: Office

    async def collect(self, wanted: Collect) -> Readings:
        """Return a validated series per (site, meter); what was not metered is missing, never invented.

        Raises:
            StoreError: the store cannot be read.
        """

        def job(work: Work) -> dict[tuple[str, str], tuple[Reading, ...]]:
            return {
                (site, meter): work.telemetry.readings(SiteId(site), MeterId(meter), wanted.span)
                for site, meter in wanted.meters
            }

        raw = await self.office.store.read(job)
        series = {
            (site, meter): self._validated(wanted, site, meter, found)
            for (site, meter), found in raw.items()
        }
        return Readings(key=wanted.key, series=series)

    def _validated(
        self, wanted: Collect, site_name: str, meter_name: str, raw: tuple[Reading, ...]
    ) -> tuple[Reading, ...]:
        site = self.office.book.sites.get(SiteId(site_name))
        meter = next((m for m in site.meters if m.meter == meter_name), None) if site else None
        if site is None or meter is None:
            return ()
        request = MeasureRequest(
            meter=meter.meter,
            readings=raw,
            period=wanted.span,
            raw_interval=meter.interval,
            interval=wanted.step,
            timezone=site.timezone,
            rules=vee_rules(meter),
        )
        try:
            return measure(request).readings
        except MeterDataError:
            return ()  # a step that the meter cannot give: nothing was metered, and nothing is invented
