"""What a script may tell the suite's VTN, as a protocol."""

from typing import Protocol

from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.signing import RIGHT, Seal
from conformance.kit.replies import Reply
from conformance.kit.xml import Element


class Utility(Protocol):
    """The suite's VTN: behaves well unless told otherwise. Identifiers are those of the one VEN it plays with."""

    @property
    def vtn_id(self) -> str:
        """Return its id."""
        ...

    @property
    def ven_id(self) -> str:
        """Return the id that the device was given, empty before registration."""
        ...

    @property
    def registration_id(self) -> str:
        """Return the id of the registration, empty without one."""
        ...

    def publish(self, *events: Event) -> None:
        """Add events and have all of them distributed: in the next poll's answer, or pushed."""
        ...

    def modify(self, event: Event) -> None:
        """Replace an event and have all distributed; raise ``version`` yourself (``Event.modified``)."""
        ...

    def cancel(self, event_id: str) -> None:
        """Set an event to cancelled, its version one higher, and have all distributed."""
        ...

    def withdraw(self, event_id: str) -> None:
        """Drop an event without a word and have the rest distributed (implicit cancel)."""
        ...

    def distribute(self) -> None:
        """Have all events distributed once more, unchanged."""
        ...

    def hold(self, *events: Event) -> None:
        """Add events without distributing; ``oadrRequestEvent`` and later distributions carry them."""
        ...

    def request_report(self, *requests: ReportRequest) -> None:
        """Ask for reports by one oadrCreateReport."""
        ...

    def request_with_metadata(self, *requests: ReportRequest) -> None:
        """Ask for reports inside the next oadrRegisteredReport."""
        ...

    def cancel_report(self, *request_ids: str, to_follow: bool = False) -> None:
        """Send oadrCancelReport."""
        ...

    def cancel_in_update(self, *request_ids: str) -> None:
        """Put an oadrCancelReport into the next oadrUpdatedReport."""
        ...

    def cancel_registration(self, registration_id: str = "", ven_id: str = "") -> None:
        """Send oadrCancelPartyRegistration; other ids than the right ones make it wrong."""
        ...

    def request_reregistration(self) -> None:
        """Send oadrRequestReregistration."""
        ...

    def send(self, element: Element, *, wrong: str = "") -> None:
        """Queue (pull) or push any message."""
        ...

    def send_raw(
        self,
        body: bytes,
        *,
        service: str,
        wrong: str,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "POST",
        mask: str = "",
    ) -> None:
        """Queue or push exactly these bytes; headers, method and wrong identity (``mask``) are those of a push."""
        ...

    def signed(self, body: bytes, seal: Seal = RIGHT) -> bytes:
        """Return a document with the suite's signature of this instant; ``seal`` says in what it is wrong."""
        ...

    def answer_next(self, name: str, *replies: Reply) -> None:
        """Answer the next requests of a name (``oadrPoll``, or ``*``: any) so, one reply each."""
        ...

    def answer_always(self, name: str, reply: Reply | None) -> None:
        """Answer every request of a name so, until told None."""
        ...

    def unregister(self) -> None:
        """Forget the registration without telling the device: it gets 463 from now on."""
        ...

    def expect_ven_id(self, ven_id: str) -> None:
        """Give this id at the next registration (an id agreed beforehand)."""
        ...

    async def down(self) -> None:
        """Close the port and every connection."""
        ...

    async def up(self) -> None:
        """Listen again, on the same port."""
        ...

    def schedule(self, text: str) -> None:
        """Strike what comes from now on by this fault schedule; empty: nothing."""
        ...
