"""The utility of the demonstration as an IEEE 2030.5 server in this process: load control, CSIP or CSIP-AUS.

A control of 2030.5 has no time before its start in which load comes down, so it starts where the ramp begins, and the
hold is what is judged. What it asks is a figure of the demonstration: three quarters of what the simulated site draws.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from certs.sep2.hierarchy import sep2
from conformance.demo.outcome import Happening
from conformance.demo.scenario import CONTRACTED_KW, PHOENIX
from conformance.demo.setting import Setting, program_section
from conformance.sep2files import identity_files
from gateway.app.ids import SeededIds
from gateway.domain.ports import Clock
from gateway.domain.protocol import ProtocolName
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.quantities import Toward, hundredths, scaled_kw
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.utility import Place, Sep2Utility
from gateway.transport.sep2_tls import Sep2Profile, sep2_server

PEER: Final = "gridgate utility (IEEE 2030.5), in process"
LIMIT_KW: Final = Decimal("71.1")
"""Demo value: 75 % of what the simulated site draws."""
REDUCTION_KW: Final = 24
"""Demo value: a quarter of it, in the whole kilowatts that TargetReduction has."""
PIN: Final = 111115
POLL_S: Final = 300
_ALL: Final = 100_000
_PROGRAM: Final = "fast demand response"
_NAMES: Final = {1: "received", 2: "started", 3: "completed", 4: "opted out", 6: "cancelled"}

Issue = Callable[[Sep2Utility, str, EventTerms], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What one profile asks, and how the gateway is told to read it."""

    protocol: ProtocolName
    profile: Sep2Profile
    flavour: Flavour
    program: type[sep.DERProgram] | type[sep.DemandResponseProgram]
    issue: Issue
    options: str = ""
    """Further keys of ``[[utility]]``."""


def drlc() -> Asks:
    """Ask by demand response and load control: a target reduction in kW."""
    reduction = sep.TargetReduction(type=1, value=REDUCTION_KW)

    async def issue(utility: Sep2Utility, program: str, terms: EventTerms) -> str:
        control = {"target_reduction": reduction}
        return await utility.issue(
            lambda i, now: i.create_load_control(program, control, terms, now)
        )

    return Asks(
        protocol=ProtocolName.SEP2,
        profile=Sep2Profile.SEP2,
        flavour=Flavour(edition=Edition.Y2018),
        program=sep.DemandResponseProgram,
        issue=issue,
        options='target_reduction = "amount"\n',
    )


def csip() -> Asks:
    """Ask by opModFixedW, a share of the charge rate: CSIP knows no cap on import, so the site says it is one."""
    share = -hundredths(LIMIT_KW, CONTRACTED_KW, Toward.DOWN)
    return Asks(
        protocol=ProtocolName.CSIP,
        profile=Sep2Profile.CSIP,
        flavour=Flavour(edition=Edition.Y2018),
        program=sep.DERProgram,
        issue=_control(sep.DERControlBase(op_mod_fixed_w=share)),
        options="fixed_w_is_cap = true\n",
    )


def csip_aus() -> Asks:
    """Ask by opModImpLimW, the dynamic operating envelope's import limit."""
    limit = scaled_kw(sep.ActivePower, LIMIT_KW, Toward.DOWN)
    return Asks(
        protocol=ProtocolName.CSIP_AUS,
        profile=Sep2Profile.SEP2,
        flavour=Flavour(edition=Edition.Y2018, csip_aus=True),
        program=sep.DERProgram,
        issue=_control(sep.DERControlBase(op_mod_imp_lim_w=limit)),
    )


def _control(base: sep.DERControlBase) -> Issue:
    async def issue(utility: Sep2Utility, program: str, terms: EventTerms) -> str:
        return await utility.issue(lambda i, now: i.create_control(program, base, terms, now))

    return issue


class Sep2Player:
    """A 2030.5 server with one device, one program and one event.

    Args:
        setting: Where everything lies.
        seed: Of its ids.
        clock: Time.
        asks: What it asks.
    """

    def __init__(self, setting: Setting, seed: int, clock: Clock, *, asks: Asks) -> None:
        self._setting = setting
        self._clock = clock
        self._asks = asks
        pki = sep2(4)
        self._device = pki.device("GRIDGATE-DEMO")
        folder = setting.folder / "certs"
        self._identity = identity_files(folder, "device", self._device, pki)
        context = sep2_server(identity_files(folder, "utility", pki.server(), pki), asks.profile)
        self._utility = Sep2Utility(
            ServerOptions(
                flavour=asks.flavour, poll_rate=POLL_S, event_poll_rate=POLL_S, post_rate=300
            ),
            Place(tls=context, profile=asks.profile),
            clock=clock,
            ids=SeededIds(seed, "utility"),
        )
        self._program = ""
        self._event = ""
        self.mirrored: dict[str, dict[datetime, Decimal]] = {}
        """mRID of a mirror -> start of each interval -> mean kW; known once the utility has stopped."""

    async def start(self) -> None:
        """Begin to listen, with the device commissioned."""
        await self._utility.start()
        operate = self._utility.operate
        lfdi = self._device.lfdi
        await operate(lambda o, now: o.register(NewDevice(lfdi=lfdi, pin=PIN), now))
        fsa = await operate(lambda o, now: o.create_fsa(now, "feeder 7"))
        self._program = await operate(
            lambda o, now: o.create_program(self._asks.program, 2, (fsa,), now, _PROGRAM)
        )
        await operate(lambda o, now: o.assign(fsa, (lfdi,), now))

    async def stop(self) -> None:
        """End; what was mirrored stays known."""
        for one in await self._utility.readings(limit=_ALL):
            at = datetime.fromtimestamp(one.start, UTC)
            watts = Decimal(one.value or 0).scaleb(one.multiplier)
            self.mirrored.setdefault(one.mirror, {})[at] = watts / 1000
        await self._utility.stop()

    def section(self) -> str:
        """Return its part of the gateway's configuration."""
        files = self._identity
        return f"""\
[[utility]]
name = "salt-river"
protocol = "{self._asks.protocol}"
url = "{self._utility.url}"
certificate = "{files.certificate.resolve()}"
key = "{files.key.resolve()}"
ca = "{files.ca.resolve()}"
pin = {PIN}
{self._asks.options}
""" + program_section(self._setting, _PROGRAM)

    async def play(self) -> None:
        """Issue the event."""
        await self._clock.sleep_until(PHOENIX.published_at)
        start = PHOENIX.hold.start - PHOENIX.ramp_in
        terms = EventTerms(start=start, duration=PHOENIX.hold.end - start)
        self._event = await self._asks.issue(self._utility, self._program, terms)

    @property
    def event_id(self) -> str:
        """Return the event's mRID."""
        return self._event

    @property
    def mark(self) -> bytes:
        """Return what only a message with the event holds."""
        return self._event.encode()

    def story(self) -> list[Happening]:
        """Return the responses."""
        return [
            Happening(
                at=one.at, what=f"the utility has the response {one.status} {_name(one.status)}"
            )
            for one in self._utility.responses(self._event)
        ]

    def responses(self) -> list[tuple[datetime, int]]:
        """Return (when, status) of every response to the event."""
        return [(one.at, one.status) for one in self._utility.responses(self._event)]


def _name(status: int) -> str:
    return f"({_NAMES[status]})" if status in _NAMES else ""
