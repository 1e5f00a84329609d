"""What a script may tell the suite's 2030.5 server, as a protocol."""

from datetime import timedelta
from typing import Protocol

from conformance.kit.replies import Reply
from conformance.kit.sep2.notices import Notice
from conformance.kit.sep2.values import Account, Assignment, Control, Price, Program, Tariff
from conformance.kit.stage import Stage
from conformance.kit.transcript import Message
from conformance.kit.xml import Element


class Server(Protocol):
    """The suite's server: behaves well unless told otherwise. What changes is served from then on."""

    @property
    def lfdi(self) -> str:
        """Return the LFDI of the client's certificate."""
        ...

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the LFDIs of the EndDevices that controls are for: the client's own, or those that it manages."""
        ...

    @property
    def programs(self) -> tuple[str, ...]:
        """Return the ids of the programs that are assigned."""
        ...

    def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program; ``assigned`` names the assignment that gets it."""
        ...

    def drop_program(self, program_id: str) -> None:
        """Remove a program from every assignment."""
        ...

    def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment, for these devices; without any: for all of ``devices`` when it is new."""
        ...

    def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment from every device."""
        ...

    def put_account(self, account: Account) -> None:
        """Add or replace an EndDevice."""
        ...

    def account(self, lfdi: str = "") -> Account:
        """Return an EndDevice; without an LFDI: that of the client's certificate."""
        ...

    def drop_account(self, lfdi: str) -> None:
        """Remove an EndDevice."""
        ...

    def publish(self, program_id: str, *controls: Control) -> None:
        """Add controls to a program, or replace those of the same id."""
        ...

    def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Set a control to cancelled, or to cancelled with randomisation."""
        ...

    def withdraw(self, control_id: str) -> None:
        """Drop a control from its list without a word."""
        ...

    async def notify(self, notice: Notice) -> Message | None:
        """Send one notification now, right or wrong, and return the answer; None: there was none.

        Raises:
            UnobservedError: the client is not subscribed to what it is about.
        """
        ...

    def hush(self, *, silent: bool = True) -> None:
        """Have no change notified from now on, or every one again; what was not told is not made up for."""
        ...

    def forget_subscriptions(self) -> None:
        """Lose every subscription, without a word."""
        ...

    def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff, in an assignment."""
        ...

    def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add prices to a component of a tariff, or replace those of the same id."""
        ...

    def mrid(self, name: str) -> str:
        """Return the mRID of a control, program or assignment."""
        ...

    def set_rates(self, *, poll_s: int = -1, walk_s: int = -1, post_s: int = -1) -> None:
        """Change pollRate of the program lists, pollRate of everything else, postRate; below zero: leave it."""
        ...

    def set_time(self, *, offset: timedelta | None = None, **fields: int) -> None:
        """Have the Time resource be fast by so much, and change fields of it (``quality``, ``tzOffset``, …)."""
        ...

    def answer_next(self, what: str, *replies: Reply) -> None:
        """Answer the next requests so, one reply each.

        Args:
            what: Name of the resource (``DERControlList``), perhaps with a method before it (``POST ResponseList``);
                ``*``: any.
            replies: ``status``, ``raw``, ``says``, ``edits`` and ``struck`` of ``kit.replies``.
        """
        ...

    def answer_always(self, what: str, reply: Reply | None) -> None:
        """Answer every request so, until told None."""
        ...

    def document(self, what: str, *ids: str) -> Element:
        """Return the document as it would be served now, to be altered and said by ``says``."""
        ...

    def href(self, what: str, *ids: str) -> str:
        """Return where a resource lies."""
        ...

    def move(self, what: str) -> None:
        """Give all resources of a name new hrefs; the old ones are gone (404)."""
        ...

    async def down(self) -> None:
        """Close the port and every connection."""
        ...

    async def up(self) -> None:
        """Listen again, on the same port."""
        ...

    def show(self, face: str) -> None:
        """Show this identity from the next handshake on: ``honest``, or a name of ``certs.sep2.variants``."""
        ...

    def schedule(self, text: str) -> None:
        """Strike what comes from now on by this fault schedule; empty: nothing."""
        ...


class ClientStage(Stage, Protocol):
    """Where a 2030.5 client is judged: the suite plays the utility's server."""

    @property
    def utility(self) -> Server:
        """Return the suite's server."""
        ...
