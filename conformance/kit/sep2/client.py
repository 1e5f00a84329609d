"""What a script may have the suite's 2030.5 clients do, as protocols: exact requests, ways by links, a listener."""

from collections.abc import Sequence
from typing import Protocol

from conformance.kit.replies import Reply
from conformance.kit.sep2.values import Content
from conformance.kit.transcript import Message
from conformance.kit.xml import Element

Headers = tuple[tuple[str, str], ...]


class Listener(Protocol):
    """Where notifications come in."""

    @property
    def url(self) -> str:
        """Return notificationURI."""
        ...

    def at(self, word: str) -> str:
        """Return a notificationURI of its own for a subscription; it ends in a word."""
        ...

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next notifications so, one reply each; else 201."""
        ...

    def answer_always(self, reply: Reply | None) -> None:
        """Answer every notification so, until told None."""
        ...

    async def down(self) -> None:
        """Close the port and every connection."""
        ...

    async def up(self) -> None:
        """Listen again, on the same port."""
        ...


class Client(Protocol):
    """One client of the suite, with a certificate of its own: sends what it is told, and nothing else.

    Requests return the answer. One that is answered 429 or 503 with Retry-After is sent again at that time, thrice
    at most; without the header after 5, 15 and 30 s.
    """

    @property
    def name(self) -> str:
        """Return the script's name for it; ``first`` is the first one's."""
        ...

    @property
    def lfdi(self) -> str:
        """Return the LFDI of its certificate, upper case."""
        ...

    @property
    def sfdi(self) -> int:
        """Return the SFDI that belongs to it."""
        ...

    async def listen(self) -> Listener:
        """Return where it takes notifications; it listens from the first call on."""
        ...

    # --- exact requests

    async def get(self, href: str, *, headers: Headers = (), wrong: str = "") -> Message:
        """GET an address as a link showed it, perhaps with a query of one's own (``?s=0&l=5``).

        Raises:
            UnobservedError: no answer came.
        """
        ...

    async def put(
        self, href: str, element: Element, *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """PUT a document."""
        ...

    async def post(
        self, href: str, element: Element, *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """POST a document."""
        ...

    async def delete(self, href: str, *, wrong: str = "") -> Message:
        """DELETE."""
        ...

    async def send(
        self, method: str, href: str, body: bytes = b"", *, headers: Headers = (), wrong: str = ""
    ) -> Message:
        """Send exactly this; ``headers`` replace the usual ones of the same name; an empty value leaves one out."""
        ...

    async def tries(self, href: str, *, wrong: str) -> Message | None:
        """GET likewise, where no answer is what a good server gives (a refused handshake)."""
        ...

    # --- ways

    async def href(self, what: str, of: str = "") -> str:
        """Return where a resource lies, found by links from the entry on, read anew where it is not known yet.

        Args:
            what: Name of the resource: ``DeviceCapability``, ``Time``, ``EndDeviceList``, ``MirrorUsagePointList``;
                of an EndDevice ``EndDevice``, ``Registration``, ``FunctionSetAssignmentsList``, ``DERList``,
                ``SubscriptionList``, ``LogEventList``, ``ConnectionPoint``, and of its first DER ``DER``,
                ``DERCapability``, ``DERSettings``, ``DERStatus``, ``DERAvailability``; of an assignment
                ``FunctionSetAssignments``, ``DERProgramList``, ``TariffProfileList``; of a program ``DERProgram``,
                ``DERControlList``, ``ActiveDERControlList``, ``DefaultDERControl``, ``DERCurveList``.
            of: LFDI of the EndDevice (empty: its own), id of the assignment or program, which is its description
                (empty: the usual one).

        Raises:
            UnobservedError: no link leads there.
        """
        ...

    async def read(self, what: str, of: str = "") -> Message:
        """GET a resource by its way; of a list as many members as the server gives at once."""
        ...

    async def members(self, what: str, of: str = "") -> Sequence[Element]:
        """Read a list to its end and return its members."""
        ...

    async def walk(self) -> None:
        """Read all that a device finds: entry, Time, its EndDevice, registration, assignments, programs, DERs."""
        ...

    def forget(self) -> None:
        """Forget every way but the entry: the next one is found anew."""
        ...

    # --- documents of a good client

    def end_device(self, lfdi: str = "", **content: object) -> Element:
        """Return the EndDevice by which it registers itself, or a device that it manages, in-band."""
        ...

    async def subscribe(
        self, href: str, *, uri: str = "", limit: int = 50, wrong: str = ""
    ) -> Message:
        """POST a Subscription to an address, to its own list of subscriptions; it listens from then on.

        Args:
            href: Of what is subscribed to.
            uri: notificationURI; empty: that of its listener.
            limit: Most members in a notification.
            wrong: In what the request is wrong on purpose.
        """
        ...

    async def respond(
        self,
        control: Element,
        status: int,
        *,
        lfdi: str = "",
        content: Content | None = None,
        wrong: str = "",
    ) -> Message:
        """POST a Response to a DERControl's replyTo; ``content`` replaces elements of it."""
        ...

    # --- connections

    def wear(self, face: str) -> None:
        """Show this identity from the next connection on: ``honest``, ``depth-2`` …, a name of ``certs.sep2.variants``.

        Also ``none`` (no certificate), ``ccm8-alone`` and ``no-common-cipher`` (what it offers).
        """
        ...

    async def hang_up(self) -> None:
        """Close its connection; the next request makes another."""
        ...
