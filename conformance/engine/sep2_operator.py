"""The operator of a 2030.5 server under test (meets ``kit.sep2.operator.Operator``): one driver call for each act."""

from collections.abc import Mapping

from conformance.engine.drivers.hands import Driving
from conformance.kit.sep2.orders import written
from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Content,
    Control,
    Price,
    Program,
    Tariff,
)


class PlayedOperator:
    """The server's operator.

    Args:
        driver: Does it.
    """

    def __init__(self, driver: Driving) -> None:
        self._driver = driver
        self._made: dict[tuple[str, str], dict[str, str]] = {}
        """What must be removed at the end: method and id -> its arguments."""

    async def register(self, account: Account, *, manager: str = "") -> None:
        """Register an EndDevice."""
        await self._driver.call("register", account=written(account), manager=manager)
        self._made["remove", account.lfdi] = {"lfdi": account.lfdi}

    async def register_aggregator(self, lfdi: str) -> None:
        """Register an aggregator."""
        await self._driver.call("register_aggregator", lfdi=lfdi)
        self._made["remove", lfdi] = {"lfdi": lfdi}

    async def remove(self, lfdi: str) -> None:
        """Remove an EndDevice or an aggregator."""
        await self._driver.call("remove", lfdi=lfdi)
        self._made.pop(("remove", lfdi), None)

    async def set_pin(self, lfdi: str, pin: int) -> None:
        """Change a PIN."""
        await self._driver.call("set_pin", lfdi=lfdi, pin=str(pin))

    async def set_enabled(self, lfdi: str, *, enabled: bool) -> None:
        """Change ``enabled``."""
        await self._driver.call("set_enabled", lfdi=lfdi, enabled=_word(enabled))

    async def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment."""
        await self._driver.call(
            "put_assignment", assignment=written(assignment), lfdis=" ".join(lfdis)
        )
        self._made["drop_assignment", assignment.id] = {"assignment_id": assignment.id}

    async def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment away."""
        await self._driver.call("drop_assignment", assignment_id=assignment_id)
        self._made.pop(("drop_assignment", assignment_id), None)

    async def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program."""
        await self._driver.call("put_program", program=written(program), assigned=assigned)
        self._made["drop_program", program.id] = {"program_id": program.id}

    async def drop_program(self, program_id: str) -> None:
        """Remove a program."""
        await self._driver.call("drop_program", program_id=program_id)
        self._made.pop(("drop_program", program_id), None)

    async def put_default(
        self, program_id: str, default: Content | None, settings: Content | None = None
    ) -> None:
        """Replace a program's default."""
        await self._driver.call(
            "put_default",
            program_id=program_id,
            default=written(default),
            settings=written(settings or {}),
        )

    async def publish(self, program_id: str, *controls: Control) -> None:
        """Add or replace controls."""
        await self._driver.call("publish", program_id=program_id, controls=written(controls))

    async def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Cancel a control or a price."""
        await self._driver.call("cancel", control_id=control_id, randomly=_word(randomly))

    async def withdraw(self, control_id: str) -> None:
        """Drop a control without a word."""
        await self._driver.call("withdraw", control_id=control_id)

    async def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff."""
        await self._driver.call("put_tariff", tariff=written(tariff), assignment=assignment)

    async def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add or replace prices."""
        await self._driver.call("price", tariff=tariff, component=component, prices=written(prices))

    async def set_rates(self, what: str, poll_s: int) -> None:
        """Change a pollRate."""
        await self._driver.call("set_rates", what=what, poll_s=str(poll_s))

    async def set_post_rate(self, lfdi: str, post_s: int) -> None:
        """Change a postRate."""
        await self._driver.call("set_post_rate", lfdi=lfdi, post_s=str(post_s))

    async def allow_connection_point(self, *, on: bool) -> None:
        """Let devices change their ConnectionPoint, or forbid it."""
        await self._driver.call("allow_connection_point", on=_word(on))

    async def posted(self, lfdi: str, what: str) -> Mapping[str, str]:
        """Read back what the server has stored."""
        return await self._driver.call("posted", lfdi=lfdi, what=what)

    async def clear(self) -> None:
        """Remove what was made and is still there: the next case must not meet it."""
        for (method, _), values in reversed(list(self._made.items())):
            if self._driver.can(method):
                await self._driver.call(method, **values)
        self._made.clear()


def _word(on: bool) -> str:  # noqa: FBT001 - written for a driver
    return "yes" if on else "no"
