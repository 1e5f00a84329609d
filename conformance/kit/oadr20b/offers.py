"""What a VEN under test offers in reports, learnt from its own metadata."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.kit.oadr20b.conditions import received
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.times import lasting
from conformance.kit.stage import UnobservedError, VenStage
from conformance.kit.transcript import Transcript

USAGE: Final = "TELEMETRY_USAGE"
STATUS: Final = "TELEMETRY_STATUS"
HISTORY: Final = "HISTORY_USAGE"
_PATIENCE: Final = timedelta(minutes=3)
_ASKING: Final = "suite-metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One report specifier."""

    specifier: str
    points: tuple[str, ...]
    least: timedelta
    """oadrMinPeriod of the first point; zero when none is stated."""

    def request(
        self,
        name: str,
        *,
        every: timedelta = timedelta(0),
        back: timedelta | None = None,
        **interval: object,
    ) -> ReportRequest:
        """Ask for its first point.

        Args:
            name: reportRequestID.
            every: Granularity; zero: once.
            back: reportBackDuration; None: as the granularity.
            interval: ``start`` and ``lasts`` of the reportInterval.
        """
        return ReportRequest(
            id=name,
            specifier=self.specifier,
            points=self.points[:1],
            granularity=every,
            back=every if back is None else back,
            **interval,  # type: ignore[arg-type]  # the names of the fields
        )


def find_offer(transcript: Transcript, name: str) -> Offer | None:
    """Return what the device registered last under a report name, without ``METADATA_``."""
    for message in reversed(transcript.from_device("oadrRegisterReport")):
        report = f"oadr:oadrReport[ei:reportName='METADATA_{name}'][1]"
        specifier = message.text(f"{report}/ei:reportSpecifierID")
        points = message.all(f"{report}/oadr:oadrReportDescription/ei:rID")
        period = "oadr:oadrReportDescription[1]/oadr:oadrSamplingRate/oadr:oadrMinPeriod"
        least = lasting(message.text(f"{report}/{period}"))
        if specifier and points:
            return Offer(specifier=specifier, points=tuple(points), least=least or timedelta(0))
    return None


async def offered(stage: VenStage, name: str) -> Offer:
    """Return what the device offers; ask it for its metadata if it has not been seen in this case.

    Raises:
        UnobservedError: it offers no such report.
    """
    found = find_offer(stage.transcript, name)
    if found is None:
        stage.utility.request_report(ReportRequest(id=_ASKING, specifier="METADATA"))
        await stage.until(received("oadrRegisterReport"), _PATIENCE, "send its metadata")
        found = find_offer(stage.transcript, name)
    if found is None:
        raise UnobservedError(f"offer {name}")
    return found
