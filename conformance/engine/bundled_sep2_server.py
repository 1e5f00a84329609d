"""The bundled reference server of 2030.5 as a device that the suite can drive: its operator's acts are the methods."""

import importlib
from collections.abc import Mapping
from typing import Final, Protocol

from conformance.engine.drivers.entry import Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError
from conformance.kit.sep2.orders import content, read, read_all
from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Content,
    Control,
    Price,
    Program,
    Tariff,
)
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Mailbox

SERVER: Final = "conformance.reference.sep2server"
_NOTHING: Final[Values] = {}
_MEMORY: Final = "memory"
_PORT: Final = "port"


class Reference(Protocol):
    """The reference server, as its driver sees it."""

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Close everything."""

    @property
    def url(self) -> str:
        """Return the address of DeviceCapability."""

    def register(self, account: Account, *, manager: str = "") -> None:
        """Register an EndDevice."""

    def register_aggregator(self, lfdi: str) -> None:
        """Register an aggregator."""

    def remove(self, lfdi: str) -> None:
        """Remove an EndDevice."""

    def set_pin(self, lfdi: str, pin: int) -> None:
        """Change a PIN."""

    def set_enabled(self, lfdi: str, *, enabled: bool) -> None:
        """Change ``enabled``."""

    def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment."""

    def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment away."""

    def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program."""

    def drop_program(self, program_id: str) -> None:
        """Remove a program."""

    def put_default(
        self, program_id: str, default: Content | None, settings: Content | None = None
    ) -> None:
        """Replace a default."""

    def publish(self, program_id: str, *controls: Control) -> None:
        """Add or replace controls."""

    def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Cancel a control or a price."""

    def withdraw(self, control_id: str) -> None:
        """Drop a control."""

    def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff."""

    def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add or replace prices."""

    def set_rates(self, what: str, poll_s: int) -> None:
        """Change a pollRate."""

    def set_post_rate(self, lfdi: str, post_s: int) -> None:
        """Change a postRate."""

    def allow_connection_point(self, *, on: bool) -> None:
        """Let ConnectionPoints be changed, or forbid it."""

    def posted(self, lfdi: str, what: str) -> Mapping[str, str]:
        """Read back what is stored."""


class BundledServer:
    """The reference server with the methods of a driver.

    Args:
        place: Where it lives; its port is kept with its memory, so that a restart is found again.
        package: Which server; a wrong one in a trial of mutants.
    """

    def __init__(self, place: Place, package: str = SERVER) -> None:
        device, settings, state = (
            importlib.import_module(f"{package}.{name}") for name in ("device", "settings", "state")
        )
        self._place = place
        aus = place.mode == "csipaus"
        told = settings.Settings(
            port=place.memory.get(_PORT, 0),
            server_tls=place.server_tls,
            client_tls=place.client_tls,
            csip_aus=aus,
            in_band=place.values.get("in_band", "yes" if aus else "no") == "yes",
        )
        memory = place.memory.setdefault(_MEMORY, state.Memory())
        self._server: Reference = device.Server(told, place.clock, place.chance, memory)
        self._url = ""

    async def run(self) -> None:
        """Live until cancelled."""
        with self._place.clock.held():
            await self._server.start()
            self._url = self._server.url
            self._place.memory[_PORT] = int(self._url.split(":")[2].partition("/")[0])
            never: Mailbox[None] = self._place.clock.mailbox()
            try:
                await never.get()
            finally:
                self._url = ""
                await self._server.stop()

    @property
    def url(self) -> str:
        """Return where it listens, empty until it does."""
        return self._url

    async def register(self, account: str, manager: str = "") -> Values:
        """Register an EndDevice."""
        self._server.register(read(Account, account), manager=manager)
        return _NOTHING

    async def register_aggregator(self, lfdi: str) -> Values:
        """Register an aggregator."""
        self._server.register_aggregator(lfdi)
        return _NOTHING

    async def remove(self, lfdi: str) -> Values:
        """Remove an EndDevice."""
        self._server.remove(lfdi)
        return _NOTHING

    async def set_pin(self, lfdi: str, pin: str) -> Values:
        """Change a PIN."""
        self._server.set_pin(lfdi, int(pin))
        return _NOTHING

    async def set_enabled(self, lfdi: str, enabled: str) -> Values:
        """Change ``enabled``."""
        self._server.set_enabled(lfdi, enabled=enabled == "yes")
        return _NOTHING

    async def put_assignment(self, assignment: str, lfdis: str = "") -> Values:
        """Add or replace an assignment."""
        self._server.put_assignment(read(Assignment, assignment), *lfdis.split())
        return _NOTHING

    async def drop_assignment(self, assignment_id: str) -> Values:
        """Take an assignment away."""
        self._server.drop_assignment(assignment_id)
        return _NOTHING

    async def put_program(self, program: str, assigned: str = "") -> Values:
        """Add or replace a program."""
        self._server.put_program(read(Program, program), assigned=assigned)
        return _NOTHING

    async def drop_program(self, program_id: str) -> Values:
        """Remove a program."""
        self._server.drop_program(program_id)
        return _NOTHING

    async def put_default(self, program_id: str, default: str, settings: str = "") -> Values:
        """Replace a default."""
        self._server.put_default(program_id, content(default), content(settings))
        return _NOTHING

    async def publish(self, program_id: str, controls: str) -> Values:
        """Add or replace controls."""
        try:
            self._server.publish(program_id, *read_all(Control, controls))
        except MisuseError as error:
            raise DriverMissingError(f"publish: {error.reason}: {error.detail}") from None
        return _NOTHING

    async def cancel(self, control_id: str, randomly: str = "no") -> Values:
        """Cancel a control or a price."""
        self._server.cancel(control_id, randomly=randomly == "yes")
        return _NOTHING

    async def withdraw(self, control_id: str) -> Values:
        """Drop a control."""
        self._server.withdraw(control_id)
        return _NOTHING

    async def put_tariff(self, tariff: str, assignment: str) -> Values:
        """Add or replace a tariff."""
        self._server.put_tariff(read(Tariff, tariff), assignment)
        return _NOTHING

    async def price(self, tariff: str, component: str, prices: str) -> Values:
        """Add or replace prices."""
        self._server.price(tariff, component, *read_all(Price, prices))
        return _NOTHING

    async def set_rates(self, what: str, poll_s: str) -> Values:
        """Change a pollRate."""
        self._server.set_rates(what, int(poll_s))
        return _NOTHING

    async def set_post_rate(self, lfdi: str, post_s: str) -> Values:
        """Change a postRate."""
        self._server.set_post_rate(lfdi, int(post_s))
        return _NOTHING

    async def allow_connection_point(self, on: str) -> Values:
        """Let ConnectionPoints be changed, or forbid it."""
        self._server.allow_connection_point(on=on == "yes")
        return _NOTHING

    async def posted(self, lfdi: str, what: str) -> Values:
        """Read back what is stored."""
        return self._server.posted(lfdi, what)


def server(place: Place) -> BundledServer:
    """Make the reference server (entry point ``conformance.engine.bundled_sep2_server:server``)."""
    return BundledServer(place)
