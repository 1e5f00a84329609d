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
_FSA: Final = "/v1/fsas/{mrid}"
_PROGRAM: Final = "/v1/programs/{mrid}"


def _reads(path: str, work: Work, summary: str, *query: str) -> Route:
    return Route(method="GET", path=path, work=work, summary=summary, query=query)


def _makes(path: str, work: Work, body: type[BaseModel], summary: str) -> Route:
    return Route(method="POST", path=path, work=work, body=body, summary=summary, success=201)


def _does(path: str, work: Work, body: type[BaseModel], summary: str) -> Route:
    return Route(method="POST", path=path, work=work, body=body, summary=summary)


def _sets(
    path: str, work: Work, body: type[BaseModel], summary: str, *, success: int = 200
) -> Route:
    return Route(method="PUT", path=path, work=work, body=body, summary=summary, success=success)


def _drops(path: str, work: Work, summary: str, *query: str) -> Route:
    return Route(method="DELETE", path=path, work=work, summary=summary, query=query)


ROUTES: Final = (
    _reads("/v1/utility", work.show_utility, "The utility itself."),
    _sets(
        _DEVICE,
        devices.register,
        d.DeviceBody,
        "Register a device or an aggregator by its LFDI.",
        success=201,
    ),
    _makes(
        "/v1/devices",
        devices.register_certificate,
        d.CertificateBody,
        "Register a device or an aggregator by its certificate.",
    ),
    _reads("/v1/devices", devices.list_devices, "List devices, and whom they act for."),
    _drops(_DEVICE, work.unregister, "Forget a device."),
    _sets(f"{_DEVICE}/pin", work.pin, d.PinBody, "Change a PIN."),
    _sets(f"{_DEVICE}/post-rate", work.post_rate, d.RateBody, "Change how often a device posts."),
    _sets(f"{_DEVICE}/enabled", permits.enable, d.SwitchBody, "Enable a device, or not."),
    _sets(
        "/v1/connection-points",
        permits.connection_points,
        d.SwitchBody,
        "Let clients change their ConnectionPoints, or refuse it.",
    ),
    _drops(f"{_DEVICE}/mirrors", work.forget_mirrors, "Forget the mirrors of a device."),
    _makes("/v1/fsas", work.create_fsa, d.FsaBody, "Make an assignment."),
    _drops(_FSA, work.remove_fsa, "Forget an assignment; its programs stay."),
    _sets(f"{_FSA}/time", work.set_time, d.TimeBody, "Give an assignment a Time of its own."),
    _sets("/v1/time", work.set_time, d.TimeBody, "Change what time the utility tells."),
    _sets(
        f"{_FSA}/devices",
        work.assign,
        d.DevicesBody,
        "Give an assignment to devices, or take it from them.",
    ),
    _makes(
        "/v1/programs",
        work.create_program,
        d.ProgramBody,
        "Make a program of DER, of demand response or of messages.",
    ),
    _makes("/v1/tariffs", pricing.create_tariff, d.TariffBody, "Make a tariff."),
    _makes(
        "/v1/tariffs/{mrid}/components",
        pricing.create_component,
        d.ComponentBody,
        "Make a rate component of a tariff.",
    ),
    _drops(
        "/v1/components/{mrid}",
        pricing.remove_component,
        "Take a rate component out of its tariff.",
    ),
    _reads("/v1/programs", work.list_programs, "List assignments and programs."),
    _drops(
        _PROGRAM,
        work.remove_program,
        "Forget a program; with force=yes even while events of it are not over.",
        "force",
    ),
    _sets(
        f"{_PROGRAM}/fsas",
        work.attach,
        d.FsasBody,
        "Let a program be part of assignments, or of those no more.",
    ),
    _sets(f"{_PROGRAM}/primacy", work.primacy, d.PrimacyBody, "Change a primacy."),
    _sets(f"{_PROGRAM}/default", work.default, d.DefaultBody, "Replace what holds between events."),
    _makes(
        f"{_PROGRAM}/curves",
        pricing.create_curve,
        d.CurveBody,
        "Add a curve to a DER program; a mode refers to it by its address.",
    ),
    _reads("/v1/curves", work.list_curves, "List curves."),
    _makes(
        "/v1/events",
        work.issue,
        d.EventBody,
        "Issue a DERControl, an EndDeviceControl, a TextMessage or a price.",
    ),
    _reads("/v1/events", work.list_events, "List events."),
    _does("/v1/events/{mrid}/cancel", work.cancel, d.CancelBody, "Cancel an event."),
    _drops(
        "/v1/events/{mrid}",
        permits.withdraw,
        "Forget an event without a word; clients of 2018 carry it out nevertheless.",
    ),
    _makes(
        "/v1/reservations",
        pricing.grant,
        d.GrantBody,
        "Answer a flow reservation request; those asked for are under /v1/told.",
    ),
    _does("/v1/clear", work.clear, d.ClearBody, "Cancel every event, of one program or of all."),
    _makes(
        "/v1/moves",
        work.move,
        d.MoveBody,
        "Move a resource with all below it; who asks at its former address is sent on (301).",
    ),
    _sets(
        "/v1/poll-rate",
        work.poll_rate,
        d.PollRateBody,
        "Change the poll rate of a resource, or of all of a kind.",
    ),
    _reads(
        "/v1/responses",
        work.list_responses,
        "What devices responded, to one event or to all.",
        "event",
        "lfdi",
    ),
    _reads(
        "/v1/told",
        work.list_told,
        "What devices told of themselves, by kind, e.g. DERStatus or LogEvent.",
        "kind",
        "lfdi",
    ),
    _reads("/v1/readings", work.list_readings, "Values that devices posted.", "lfdi", "after"),
    _reads(
        "/v1/subscriptions",
        subscribers.list_subscriptions,
        "Who subscribed to what, what waits, and what became of the last notifications.",
        "lfdi",
    ),
    _does(
        "/v1/subscriptions/end",
        subscribers.end_subscription,
        d.EndBody,
        "End a subscription; its subscriber is told.",
    ),
    _reads(
        "/v1/transcript", work.list_transcript, "Every exchange as it went over the wire.", "after"
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
