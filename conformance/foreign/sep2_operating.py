"""What an operator does to our own 2030.5 server, over its JSON interface, in the words of ``kit.sep2.operator``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError
from conformance.foreign import sep2_orders as written
from conformance.kit.sep2.orders import content, read, read_all
from conformance.kit.sep2.values import Account, Assignment, Control, Price, Program, Tariff

_NOTHING: Final[Values] = {}
_MANY: Final = frozenset({"Response", "LogEvent"})
_PIN: Final = 111115
Ask = Callable[..., Awaitable[Any]]
"""Asks the interface: method, path, body; returns its answer's document, None where nothing of that name stands.

``Any``: whatever JSON holds.
"""


@dataclass(slots=True)
class Names:
    """What the server calls the things of a script; outlives a restart, as an operator's notebook."""

    assignments: dict[str, str] = field(default_factory=dict)
    """Id -> mRID, as all that follow."""
    programs: dict[str, str] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    """Prices too."""
    tariffs: dict[str, str] = field(default_factory=dict)
    components: dict[tuple[str, str], str] = field(default_factory=dict)
    curves: dict[str, str] = field(default_factory=dict)
    """Id -> address."""
    held: dict[str, set[str]] = field(default_factory=dict)
    """LFDI -> ids of its assignments."""
    parts: dict[str, set[str]] = field(default_factory=dict)
    """Id of an assignment -> ids of its programs and tariffs."""


class Operating:
    """The operator.

    Args:
        ask: Asks the interface.
        names: What is known so far.
    """

    def __init__(self, ask: Ask, names: Names) -> None:
        self._ask = ask
        self._names = names

    # --- devices

    async def register(self, account: str, manager: str = "") -> Values:
        """Register an EndDevice, or change one."""
        told = read(Account, account)
        device = f"/v1/devices/{told.lfdi}"
        if told.lfdi.upper() not in self._names.held:
            body = {"pin": told.pin, "manager": manager or None, "ders": told.ders}
            await self._ask("PUT", device, body)
            self._names.held[told.lfdi.upper()] = set()
        elif told.pin is not None:
            await self._ask("PUT", f"{device}/pin", {"pin": told.pin})
        await self._ask("PUT", f"{device}/post-rate", {"seconds": told.post_s})
        if told.enabled is not None:
            await self._ask("PUT", f"{device}/enabled", {"on": told.enabled})
        held = self._names.held[told.lfdi.upper()]
        for name in sorted(set(told.assignments) - held):
            await self._give(name, told.lfdi, on=True)
        for name in sorted(held - set(told.assignments)):
            await self._give(name, told.lfdi, on=False)
        return _NOTHING

    async def register_aggregator(self, lfdi: str) -> Values:
        """Register an aggregator."""
        await self._ask("PUT", f"/v1/devices/{lfdi}", {"pin": _PIN, "ders": 0, "aggregator": True})
        self._names.held[lfdi.upper()] = set()
        return _NOTHING

    async def remove(self, lfdi: str) -> Values:
        """Remove an EndDevice."""
        await self._ask("DELETE", f"/v1/devices/{lfdi}")
        self._names.held.pop(lfdi.upper(), None)
        return _NOTHING

    async def set_pin(self, lfdi: str, pin: str) -> Values:
        """Change a PIN."""
        await self._ask("PUT", f"/v1/devices/{lfdi}/pin", {"pin": int(pin)})
        return _NOTHING

    async def set_enabled(self, lfdi: str, enabled: str) -> Values:
        """Change ``enabled``."""
        await self._ask("PUT", f"/v1/devices/{lfdi}/enabled", {"on": enabled == "yes"})
        return _NOTHING

    # --- assignments and programs

    async def put_assignment(self, assignment: str, lfdis: str = "") -> Values:
        """Add or replace an assignment, and give it to devices."""
        told, names = read(Assignment, assignment), self._names
        if told.id not in names.assignments:
            made = await self._ask("POST", "/v1/fsas", {"description": told.id})
            names.assignments[told.id], names.parts[told.id] = made["name"], set()
        known = names.parts[told.id]
        for program in sorted(set(told.programs) - known):
            await self._attach(program, told.id, on=True)
        for program in sorted(known - set(told.programs) - set(names.tariffs)):
            await self._attach(program, told.id, on=False)
        for lfdi in lfdis.split():
            await self._give(told.id, lfdi, on=True)
        return _NOTHING

    async def _give(self, assignment: str, lfdi: str, *, on: bool) -> None:
        fsa = _known(self._names.assignments, assignment)
        body = {"devices": [lfdi], "assigned": on}
        await self._ask("PUT", f"/v1/fsas/{fsa}/devices", body)
        # A device that registered itself is unknown here until it is given something.
        held = self._names.held.setdefault(lfdi.upper(), set())
        held.add(assignment) if on else held.discard(assignment)

    async def _attach(self, program: str, assignment: str, *, on: bool) -> None:
        mrid, fsa = _known(self._names.programs, program), self._names.assignments[assignment]
        body = {"fsas": [fsa], "attached": on}
        await self._ask("PUT", f"/v1/programs/{mrid}/fsas", body)
        parts = self._names.parts[assignment]
        parts.add(program) if on else parts.discard(program)

    async def drop_assignment(self, assignment_id: str) -> Values:
        """Take an assignment away."""
        fsa = _known(self._names.assignments, assignment_id)
        await self._ask("DELETE", f"/v1/fsas/{fsa}")
        del self._names.assignments[assignment_id], self._names.parts[assignment_id]
        for held in self._names.held.values():
            held.discard(assignment_id)
        return _NOTHING

    async def put_program(self, program: str, assigned: str = "") -> Values:
        """Add or replace a program, its default and its curves."""
        told, names = read(Program, program), self._names
        if told.id in names.programs:
            mrid = names.programs[told.id]
            await self._ask("PUT", f"/v1/programs/{mrid}/primacy", {"primacy": told.primacy})
        else:
            body = {"kind": "der", "primacy": told.primacy, "description": told.id}
            mrid = (await self._ask("POST", "/v1/programs", body))["name"]
            names.programs[told.id] = mrid
        for curve in told.curves:
            if curve.id not in names.curves:
                made = written.curve_body(curve)
                name = (await self._ask("POST", f"/v1/programs/{mrid}/curves", made))["name"]
                names.curves[curve.id] = await self._address(name)
        await self._default(mrid, told.default, told.default_settings)
        if assigned:
            await self._attach(told.id, assigned, on=True)
        return _NOTHING

    async def _address(self, curve: str) -> str:
        rows = (await self._ask("GET", "/v1/curves"))["items"]
        found: str = next(one["href"] for one in rows if one["resource"]["mRID"] == curve)
        return found

    async def _default(self, program: str, base: Any, settings: Any) -> None:  # ``Any``: as JSON
        modes = written.modes(base, self._names.curves)
        body = {"modes": modes, "others": dict(settings or {})}
        await self._ask("PUT", f"/v1/programs/{program}/default", body)

    async def drop_program(self, program_id: str) -> Values:
        """Remove a program."""
        mrid = _known(self._names.programs, program_id)
        await self._ask("DELETE", f"/v1/programs/{mrid}?force=yes")
        del self._names.programs[program_id]
        for parts in self._names.parts.values():
            parts.discard(program_id)
        return _NOTHING

    async def put_default(self, program_id: str, default: str, settings: str) -> Values:
        """Replace a program's default."""
        mrid = _known(self._names.programs, program_id)
        await self._default(mrid, content(default), content(settings))
        return _NOTHING

    # --- controls and prices

    async def publish(self, program_id: str, controls: str) -> Values:
        """Add controls."""
        program = _known(self._names.programs, program_id)
        for one in read_all(Control, controls):
            body = written.event_body(one, program, self._names.curves)
            made = await self._ask("POST", "/v1/events", body)
            self._names.controls[one.id] = made["name"]
        return _NOTHING

    async def cancel(self, control_id: str, randomly: str = "no") -> Values:
        """Cancel a control or a price."""
        mrid = _known(self._names.controls, control_id)
        await self._ask("POST", f"/v1/events/{mrid}/cancel", {"randomly": randomly == "yes"})
        return _NOTHING

    async def withdraw(self, control_id: str) -> Values:
        """Drop a control without a word."""
        await self._ask("DELETE", f"/v1/events/{_known(self._names.controls, control_id)}")
        return _NOTHING

    async def put_tariff(self, tariff: str, assignment: str) -> Values:
        """Add a tariff."""
        told, names = read(Tariff, tariff), self._names
        if told.id not in names.tariffs:
            fsa = _known(names.assignments, assignment)
            made = await self._ask("POST", "/v1/tariffs", written.tariff_body(told, [fsa]))
            names.tariffs[told.id] = made["name"]
            names.parts[assignment].add(told.id)
        for component in told.components:
            if (told.id, component) not in names.components:
                place = f"/v1/tariffs/{names.tariffs[told.id]}/components"
                made = await self._ask("POST", place, written.component_body(component))
                names.components[told.id, component] = made["name"]
        return _NOTHING

    async def price(self, tariff: str, component: str, prices: str) -> Values:
        """Add prices."""
        place = self._names.components.get((tariff, component))
        if place is None:
            raise DriverMissingError(f"tariff {tariff} has no component {component}")
        for one in read_all(Price, prices):
            made = await self._ask("POST", "/v1/events", written.price_body(one, place))
            self._names.controls[one.id] = made["name"]
        return _NOTHING

    # --- rates, permits, what was posted

    async def set_rates(self, what: str, poll_s: str) -> Values:
        """Change a pollRate."""
        await self._ask("PUT", "/v1/poll-rate", {"kind": what, "seconds": int(poll_s)})
        return _NOTHING

    async def set_post_rate(self, lfdi: str, post_s: str) -> Values:
        """Change a postRate."""
        await self._ask("PUT", f"/v1/devices/{lfdi}/post-rate", {"seconds": int(post_s)})
        return _NOTHING

    async def allow_connection_point(self, on: str) -> Values:
        """Let ConnectionPoints be changed, or forbid it."""
        await self._ask("PUT", "/v1/connection-points", {"on": on == "yes"})
        return _NOTHING

    async def posted(self, lfdi: str, what: str) -> Values:
        """Read back what is stored."""
        if what == "Reading":
            rows = (await self._ask("GET", f"/v1/readings?lfdi={lfdi}"))["items"]
            return written.numbered([written.reading(row) for row in rows])
        place = f"/v1/responses?lfdi={lfdi}"
        if what != "Response":
            place = f"/v1/told?kind={what}&lfdi={lfdi}"
        items = (await self._ask("GET", place))["items"]
        found = [written.texts(one["kind"], one["resource"]) for one in items]
        if what in _MANY:
            return written.numbered(found)
        return found[-1] if found else _NOTHING


def _known(names: dict[str, str], name: str) -> str:
    if name not in names:
        raise DriverMissingError(f"nothing here is called {name!r}")
    return names[name]
