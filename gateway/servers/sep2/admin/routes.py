"""The operator's interface as a table: what is served, with which documents."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from pydantic import BaseModel

from gateway.domain.errors import MisuseError
from gateway.servers.sep2.admin import devices, permits, pricing, subscribers, work
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin.asked import Asked

Work: TypeAlias = Callable[[Asked], Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    summary: str
    work: Work
    body: type[BaseModel] | None = None
    query: tuple[str, ...] = ()
    success: int = 200


_DEVICE: Final = "/v1/devices/{lfdi}"
_A_PROGRAM: Final = "/v1/programs/{mrid}"

ROUTES: Final = (
    Route(method="GET", path="/v1/utility", summary="The utility itself.", work=work.show_utility),
    Route(
        method="PUT",
        path=_DEVICE,
        summary="Register a device or an aggregator by its LFDI.",
        work=devices.register,
        body=d.DeviceBody,
        success=201,
    ),
    Route(
        method="POST",
        path="/v1/devices",
        summary="Register a device or an aggregator by its certificate.",
        work=devices.register_certificate,
        body=d.CertificateBody,
        success=201,
    ),
    Route(
        method="GET",
        path="/v1/devices",
        summary="List devices, and whom they act for.",
        work=devices.list_devices,
    ),
    Route(method="DELETE", path=_DEVICE, summary="Forget a device.", work=work.unregister),
    Route(
        method="PUT", path=f"{_DEVICE}/pin", summary="Change a PIN.", work=work.pin, body=d.PinBody
    ),
    Route(
        method="PUT",
        path=f"{_DEVICE}/post-rate",
        summary="Change how often a device posts.",
        work=work.post_rate,
        body=d.RateBody,
    ),
    Route(
        method="PUT",
        path=f"{_DEVICE}/enabled",
        summary="Enable a device, or not.",
        work=permits.enable,
        body=d.SwitchBody,
    ),
    Route(
        method="PUT",
        path="/v1/connection-points",
        summary="Let clients change their ConnectionPoints, or refuse it.",
        work=permits.connection_points,
        body=d.SwitchBody,
    ),
    Route(
        method="DELETE",
        path=f"{_DEVICE}/mirrors",
        summary="Forget the mirrors of a device.",
        work=work.forget_mirrors,
    ),
    Route(
        method="POST",
        path="/v1/fsas",
        summary="Make an assignment.",
        work=work.create_fsa,
        body=d.FsaBody,
        success=201,
    ),
    Route(
        method="DELETE",
        path="/v1/fsas/{mrid}",
        summary="Forget an assignment; its programs stay.",
        work=work.remove_fsa,
    ),
    Route(
        method="PUT",
        path="/v1/fsas/{mrid}/time",
        summary="Give an assignment a Time of its own.",
        work=work.set_time,
        body=d.TimeBody,
    ),
    Route(
        method="PUT",
        path="/v1/time",
        summary="Change what time the utility tells.",
        work=work.set_time,
        body=d.TimeBody,
    ),
    Route(
        method="PUT",
        path="/v1/fsas/{mrid}/devices",
        summary="Give an assignment to devices, or take it from them.",
        work=work.assign,
        body=d.DevicesBody,
    ),
    Route(
        method="POST",
        path="/v1/programs",
        summary="Make a program of DER, of demand response or of messages.",
        work=work.create_program,
        body=d.ProgramBody,
        success=201,
    ),
    Route(
        method="POST",
        path="/v1/tariffs",
        summary="Make a tariff.",
        work=pricing.create_tariff,
        body=d.TariffBody,
        success=201,
    ),
    Route(
        method="POST",
        path="/v1/tariffs/{mrid}/components",
        summary="Make a rate component of a tariff.",
        work=pricing.create_component,
        body=d.ComponentBody,
        success=201,
    ),
    Route(
        method="DELETE",
        path="/v1/components/{mrid}",
        summary="Take a rate component out of its tariff.",
        work=pricing.remove_component,
    ),
    Route(
        method="GET",
        path="/v1/programs",
        summary="List assignments and programs.",
        work=work.list_programs,
    ),
    Route(
        method="DELETE",
        path=_A_PROGRAM,
        summary="Forget a program; with force=yes even while events of it are not over.",
        work=work.remove_program,
        query=("force",),
    ),
    Route(
        method="PUT",
        path=f"{_A_PROGRAM}/fsas",
        summary="Let a program be part of assignments, or of those no more.",
        work=work.attach,
        body=d.FsasBody,
    ),
    Route(
        method="PUT",
        path=f"{_A_PROGRAM}/primacy",
        summary="Change a primacy.",
        work=work.primacy,
        body=d.PrimacyBody,
    ),
    Route(
        method="PUT",
        path=f"{_A_PROGRAM}/default",
        summary="Replace what holds between events.",
        work=work.default,
        body=d.DefaultBody,
    ),
    Route(
        method="POST",
        path=f"{_A_PROGRAM}/curves",
        summary="Add a curve to a DER program; a mode refers to it by its address.",
        work=pricing.create_curve,
        body=d.CurveBody,
        success=201,
    ),
    Route(
        method="GET",
        path="/v1/curves",
        summary="List curves.",
        work=work.list_curves,
    ),
    Route(
        method="POST",
        path="/v1/events",
        summary="Issue a DERControl, an EndDeviceControl, a TextMessage or a price.",
        work=work.issue,
        body=d.EventBody,
        success=201,
    ),
    Route(method="GET", path="/v1/events", summary="List events.", work=work.list_events),
    Route(
        method="POST",
        path="/v1/events/{mrid}/cancel",
        summary="Cancel an event.",
        work=work.cancel,
        body=d.CancelBody,
    ),
    Route(
        method="DELETE",
        path="/v1/events/{mrid}",
        summary="Forget an event without a word; clients of 2018 carry it out nevertheless.",
        work=permits.withdraw,
    ),
    Route(
        method="POST",
        path="/v1/reservations",
        summary="Answer a flow reservation request; those asked for are under /v1/told.",
        work=pricing.grant,
        body=d.GrantBody,
        success=201,
    ),
    Route(
        method="POST",
        path="/v1/clear",
        summary="Cancel every event, of one program or of all.",
        work=work.clear,
        body=d.ClearBody,
    ),
    Route(
        method="POST",
        path="/v1/moves",
        summary="Move a resource with all below it; who asks at its former address is sent on (301).",
        work=work.move,
        body=d.MoveBody,
        success=201,
    ),
    Route(
        method="PUT",
        path="/v1/poll-rate",
        summary="Change the poll rate of a resource, or of all of a kind.",
        work=work.poll_rate,
        body=d.PollRateBody,
    ),
    Route(
        method="GET",
        path="/v1/responses",
        summary="What devices responded, to one event or to all.",
        work=work.list_responses,
        query=("event", "lfdi"),
    ),
    Route(
        method="GET",
        path="/v1/told",
        summary="What devices told of themselves, by kind, e.g. DERStatus or LogEvent.",
        work=work.list_told,
        query=("kind", "lfdi"),
    ),
    Route(
        method="GET",
        path="/v1/readings",
        summary="Values that devices posted.",
        work=work.list_readings,
        query=("lfdi", "after"),
    ),
    Route(
        method="GET",
        path="/v1/subscriptions",
        summary="Who subscribed to what, what waits, and what became of the last notifications.",
        work=subscribers.list_subscriptions,
        query=("lfdi",),
    ),
    Route(
        method="POST",
        path="/v1/subscriptions/end",
        summary="End a subscription; its subscriber is told.",
        work=subscribers.end_subscription,
        body=d.EndBody,
    ),
    Route(
        method="GET",
        path="/v1/transcript",
        summary="Every exchange as it went over the wire.",
        work=work.list_transcript,
        query=("after",),
    ),
)
"""Everything that is served."""


def expected(error: MisuseError) -> int:
    """Return the status of a refusal."""
    return _STATUS.get(error.reason, 400)


_STATUS: Final = {
    "UNKNOWN_RESOURCE": 404,
    "RESOURCE_EXISTS": 409,
    "EVENT_ENDED": 409,
    "RESOURCE_IN_USE": 409,
}
