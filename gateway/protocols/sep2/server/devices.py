"""An EndDevice with everything that belongs to it: made whole, found under its own unpredictable address.

Spec: IEEE 2030.5-2018 clause 8.5 (EndDevice), 6.3.5 (PIN); CSIP Implementation Guide v2.1 6.1 (registration).
"""

from dataclasses import dataclass, replace
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import sfdi_of
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.kinds import AGGREGATORS
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Turn

END_DEVICES: Final = "/edev"
_LISTS: Final[tuple[tuple[str, str, type[sep.Resource]], ...]] = (
    ("function_set_assignments_list_link", "fsa", sep.FunctionSetAssignmentsList),
    ("der_list_link", "der", sep.DERList),
    ("log_event_list_link", "lel", sep.LogEventList),
    ("load_shed_availability_list_link", "lsl", sep.LoadShedAvailabilityList),
    ("flow_reservation_request_list_link", "frq", sep.FlowReservationRequestList),
    ("flow_reservation_response_list_link", "frp", sep.FlowReservationResponseList),
)
SUBSCRIPTIONS: Final = "sub"
"""Where a device's list of subscriptions stands, below it."""
_SUBSCRIPTIONS: Final = ("subscription_list_link", SUBSCRIPTIONS, sep.SubscriptionList)
_SINGLE: Final[tuple[tuple[str, str, type[sep.Resource]], ...]] = (
    ("device_information_link", "di", sep.DeviceInformation),
    ("device_status_link", "dstat", sep.DeviceStatus),
    ("power_status_link", "ps", sep.PowerStatus),
)
_OF_DER: Final[tuple[tuple[str, str, type[sep.Resource]], ...]] = (
    ("der_capability_link", "dercap", sep.DERCapability),
    ("der_settings_link", "derg", sep.DERSettings),
    ("der_status_link", "ders", sep.DERStatus),
    ("der_availability_link", "dera", sep.DERAvailability),
)
SUBSCRIBABLE: Final = frozenset(
    {
        sep.EndDevice,
        sep.FunctionSetAssignments,
        sep.DERProgram,
        sep.MessagingProgramList,
        sep.TextMessageList,
        sep.TariffProfileList,
        sep.TimeTariffIntervalList,
        sep.FlowReservationResponseList,
        sep.EndDeviceList,
        sep.FunctionSetAssignmentsList,
        sep.DERProgramList,
        sep.DERControlList,
        sep.DefaultDERControl,
        sep.DemandResponseProgramList,
        sep.EndDeviceControlList,
    }
)
"""What may be subscribed to, where the utility takes subscriptions at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to register."""

    lfdi: str
    """Canonical."""
    pin: int | None = None
    """None: the device has no Registration, and carries on without (CSIP-AUS ALL-05)."""
    manager: str = ""
    """LFDI of the aggregator that acts for it."""
    category: int | None = None
    ders: int = 1
    """DER instances behind it."""
    aggregator: bool = False
    """It may register devices, which it then manages."""


def listing(kind: type[sep.Resource], href: str, rate: int | None = None) -> sep.Resource:
    """Make an empty list; one that may be subscribed to says so."""
    told: dict[str, object] = {"href": href, "all": 0, "results": 0}
    names = kind.__dataclass_fields__
    if rate is not None and "poll_rate" in names:
        told["poll_rate"] = rate
    if "subscribable" in names and kind in SUBSCRIBABLE:
        told["subscribable"] = 1
    return kind(**told)  # type: ignore[arg-type] # of a list, by name


def add_device(turn: Turn, new: NewDevice, token: str, options: ServerOptions) -> Kept:
    """Put a device and all its resources into a turn; return its EndDevice."""
    href = f"{END_DEVICES}/{token}"
    seconds = int(turn.at.timestamp())
    links: dict[str, object] = {}
    # Whoever has no certificate of its own is subscribed for by its manager, at the manager's list.
    own = () if new.manager else (_SUBSCRIPTIONS,)
    for name, ending, kind in (*_LISTS, *own):
        links[name] = sep.ListLink(href=f"{href}/{ending}")
        value = listing(kind, f"{href}/{ending}", options.event_poll_rate)
        _keep(turn, new, f"{href}/{ending}", kind, value)
    for name, ending, kind in _SINGLE:
        links[name] = sep.Link(href=f"{href}/{ending}")
        _keep(turn, new, f"{href}/{ending}", kind, None)
    if options.flavour.csip_aus:
        links["connection_point_link"] = sep.Link(href=f"{href}/cp")
        _keep(turn, new, f"{href}/cp", sep.ConnectionPoint, None)
    if new.pin is not None:
        links["registration_link"] = sep.Link(href=f"{href}/rg")
        _add_registration(turn, new, f"{href}/rg", new.pin, options)
    for number in range(1, new.ders + 1):
        _add_der(turn, new, f"{href}/der", number)
    if new.aggregator:
        turn.members[AGGREGATORS, href] = True
    device = sep.EndDevice(
        href=href,
        lfdi=new.lfdi,
        sfdi=sfdi_of(new.lfdi),
        device_category=new.category,
        changed_time=seconds,
        enabled=True,
        subscribable=1,
        **links,  # type: ignore[arg-type] # by name
    )
    return turn.keep(
        Kept(
            href=href,
            kind=sep.EndDevice,
            place=END_DEVICES,
            scope=new.lfdi,
            value=device,
            at=turn.at,
            manager=new.manager,
        )
    )


def drop_device(turn: Turn, device: Kept, book: Book) -> None:
    """Put into a turn that a device is forgotten with everything that is its own."""
    for href in book.entries.of_scope(device.scope):
        turn.kept[href] = None
    link = getattr(device.value, "function_set_assignments_list_link", None)
    place = link.href if link is not None else ""
    for href in book.placed(place):
        turn.members[place, href] = False
    if device.href in book.placed(AGGREGATORS):
        turn.members[AGGREGATORS, device.href] = False


def give_subscriptions(turn: Turn, device: Kept, options: ServerOptions) -> None:
    """Give a device of a file from before there were any its list of subscriptions."""
    value, (_, ending, kind) = device.value, _SUBSCRIPTIONS
    if device.manager or not isinstance(value, sep.EndDevice) or value.subscription_list_link:
        return
    href = f"{device.href}/{ending}"
    made = listing(kind, href, options.event_poll_rate)
    turn.keep(Kept(href=href, kind=kind, scope=device.scope, value=made, at=turn.at))
    link = sep.ListLink(href=href)
    turn.keep(replace(device, value=replace(value, subscription_list_link=link, subscribable=1)))


def _keep(
    turn: Turn, new: NewDevice, href: str, kind: type[sep.Resource], value: sep.Resource | None
) -> None:
    turn.keep(Kept(href=href, kind=kind, scope=new.lfdi, value=value, at=turn.at))


def _add_registration(
    turn: Turn, new: NewDevice, href: str, pin: int, options: ServerOptions
) -> None:
    registration = sep.Registration(
        href=href,
        date_time_registered=int(turn.at.timestamp()),
        pin=pin,
        poll_rate=options.poll_rate,
    )
    _keep(turn, new, href, sep.Registration, registration)


def _add_der(turn: Turn, new: NewDevice, place: str, number: int) -> None:
    href = f"{place}/{number}"
    links = {name: sep.Link(href=f"{href}/{ending}") for name, ending, _ in _OF_DER}
    for _, ending, kind in _OF_DER:
        _keep(turn, new, f"{href}/{ending}", kind, None)
    value = sep.DER(href=href, **links)  # type: ignore[arg-type] # by name
    turn.keep(Kept(href=href, kind=sep.DER, place=place, scope=new.lfdi, value=value, at=turn.at))
