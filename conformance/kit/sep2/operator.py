"""What a script may have the operator of a server under test do, as a protocol; behind it stands the driver.

Each method is one driver call of the same name with texts for arguments: values as JSON (``orders``), ``yes`` and
``no``, seconds, LFDIs with blanks between them. A driver without the method ends the case INCONCLUSIVE(driver).
Ids are the script's own: the server mints mRIDs and addresses, and shows the id as ``description``.
"""

from collections.abc import Mapping
from typing import Protocol

from conformance.kit.sep2.values import (
    Account,
    Assignment,
    Content,
    Control,
    Price,
    Program,
    Tariff,
)


class Operator(Protocol):
    """The server's operator."""

    async def register(self, account: Account, *, manager: str = "") -> None:
        """Register an EndDevice, or change one; ``manager``: LFDI of the aggregator that acts for it."""
        ...

    async def register_aggregator(self, lfdi: str) -> None:
        """Register an aggregator, by the LFDI of its certificate."""
        ...

    async def remove(self, lfdi: str) -> None:
        """Remove an EndDevice or an aggregator."""
        ...

    async def set_pin(self, lfdi: str, pin: int) -> None:
        """Change the PIN of a registration."""
        ...

    async def set_enabled(self, lfdi: str, *, enabled: bool) -> None:
        """Change ``enabled`` of an EndDevice."""
        ...

    async def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment and give it to these EndDevices; none given: those that have it keep it."""
        ...

    async def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment from every EndDevice."""
        ...

    async def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program, its default and its curves; ``assigned``: the assignment that gets it."""
        ...

    async def drop_program(self, program_id: str) -> None:
        """Remove a program."""
        ...

    async def put_default(
        self, program_id: str, default: Content | None, settings: Content | None = None
    ) -> None:
        """Replace a program's DefaultDERControl: its DERControlBase and what stands beside it; None: there is none."""
        ...

    async def publish(self, program_id: str, *controls: Control) -> None:
        """Add controls to a program; replace those of the same id."""
        ...

    async def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Cancel a control or a price, perhaps with randomisation."""
        ...

    async def withdraw(self, control_id: str) -> None:
        """Drop a control from its list without a word."""
        ...

    async def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff, in an assignment."""
        ...

    async def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add prices to a component of a tariff; replace those of the same id."""
        ...

    async def set_rates(self, what: str, poll_s: int) -> None:
        """Change pollRate of all resources of a name, e.g. ``DERProgramList``."""
        ...

    async def set_post_rate(self, lfdi: str, post_s: int) -> None:
        """Change postRate of an EndDevice and of its mirrors."""
        ...

    async def allow_connection_point(self, *, on: bool) -> None:
        """Let devices change their ConnectionPoint, or forbid it."""
        ...

    async def posted(self, lfdi: str, what: str) -> Mapping[str, str]:
        """Read back what the server has stored of an EndDevice.

        Args:
            lfdi: Of the EndDevice.
            what: ``DERStatus``, ``DERCapability``, ``DERSettings``, ``Response``, ``Reading`` or ``LogEvent``.

        Returns:
            Flat: name of an element, with those above it before it (``genConnectStatus.value``) -> text; of what
            comes in numbers, each with its place in front, the oldest first: ``0.status``, ``1.status``.
        """
        ...
