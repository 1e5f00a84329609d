"""A 2030.5 server with a fleet: thousands of EndDevices of one aggregator that share a program."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.domain.names import SiteId
from gateway.protocols.actions import Failure, Message, Send
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import DeviceOptions, Sep2Options
from gateway.protocols.sep2.identity import sfdi_of
from tests.sep2_world import ORIGIN, Server, World, mrid, scope, utility

RATE = 300
PIN = 111115


def lfdi(number: int) -> str:
    """Make the LFDI of a device."""
    return f"{number:08X}" + "AB" * 16


def assignments(server: Server, number: int, *, assigned: bool = True) -> None:
    """Let a device be assigned to the shared program, or to nothing."""
    href = f"/edev/{number}/fsa"
    fsa = sep.FunctionSetAssignments(
        href=f"{href}/1",
        mrid=mrid(7001),
        der_program_list_link=sep.ListLink(href="/derp" if assigned else "/none", all=1),
    )
    server.put(href, [fsa])


@dataclass(slots=True, kw_only=True)
class Kept(Server):
    """A server that writes each answer once, until what stands there is replaced."""

    written: dict[str, tuple[sep.Resource, Message]] = field(default_factory=dict)

    def answer(self, send: Send, now: datetime) -> Message | Failure:
        """Answer one request."""
        href = send.href.partition("?")[0].removeprefix(ORIGIN)
        stands = self.resources.get(href)
        known = self.written.get(send.href)
        if send.method == "GET" and known is not None and known[0] is stands:
            self.asked.append((now, send.href.removeprefix(ORIGIN)))
            return replace(known[1], request_id=send.request_id)
        found = Server.answer(self, send, now)
        if send.method == "GET" and stands is not None and not isinstance(stands, sep.Time):
            assert isinstance(found, Message)
            self.written[send.href] = (stands, found)
        return found


def fleet(count: int) -> Server:
    """Make a server with so many devices, each with assignments and a registration of its own."""
    server = Kept(resources=utility(RATE).resources)
    devices = []
    for number in range(1, count + 1):
        href = f"/edev/{number}"
        server.resources[f"{href}/rg"] = sep.Registration(
            href=f"{href}/rg", date_time_registered=0, pin=PIN, poll_rate=RATE
        )
        server.resources[f"{href}/fsa"] = sep.FunctionSetAssignmentsList(
            href=f"{href}/fsa", all=0, results=0, poll_rate=RATE
        )
        assignments(server, number)
        devices.append(
            sep.EndDevice(
                href=href,
                lfdi=lfdi(number),
                sfdi=sfdi_of(lfdi(number)),
                changed_time=0,
                registration_link=sep.Link(href=f"{href}/rg"),
                function_set_assignments_list_link=sep.ListLink(href=f"{href}/fsa", all=1),
            )
        )
    server.resources["/none"] = sep.DERProgramList(href="/none", all=0, results=0, poll_rate=RATE)
    server.put("/edev", devices)
    return server


def aggregator(server: Server, count: int, sites: int = 1, **others: object) -> World:
    """Make a gateway that manages all of them, dealt out over some sites."""
    names = tuple(SiteId(f"site-{number}") for number in range(sites))
    devices = tuple(
        DeviceOptions(lfdi=lfdi(number), site=names[number % sites], pin=PIN)
        for number in range(1, count + 1)
    )
    terms = ProgramTerms(name="site program", sites=names)
    return World(
        server=server,
        options=Sep2Options(csip_aus=True, device=devices, list_limit=255, **others),
        scope=scope(programs=(terms,), points=(), lfdi=""),
    )


def told(server: Server) -> Counter[tuple[str, str, int, int]]:
    """Return (LFDI, mRID, status, createdDateTime) of every response, and how often it came."""
    return Counter(
        (one.end_device_lfdi, one.subject, one.status or 0, one.created_date_time or 0)
        for one in responses(server)
    )


def responses(server: Server) -> Iterable[sep.Response]:
    """Yield every response, in order."""
    return (one.value for one in server.posted if isinstance(one.value, sep.Response))
