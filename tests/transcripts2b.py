"""Transcripts of 2.0b messages made by hand, for tests of checks."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from conformance.kit.oadr20b.build import payload
from conformance.kit.transcript import Headers, Mark, Message, Part, Side, Transcript
from conformance.kit.xml import Element

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)


class Story:
    """A history in the making; every message and mark comes one second after the one before.

    Args:
        mode: ``pull`` or ``push``.
        role: Of the device.
    """

    def __init__(self, mode: str = "pull", role: str = "VTN") -> None:
        self.transcript = Transcript(case=f"OADR20B-{role}-TST-001", mode=mode)
        self._number = 0
        self._skipped = timedelta(0)

    @property
    def now(self) -> datetime:
        """Return when the next thing happens."""
        return NOW + timedelta(seconds=self._number + 1) + self._skipped

    def skip(self, length: timedelta) -> None:
        """Let more time pass before the next thing."""
        self._skipped += length

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self._number += seconds

    def mark(self, name: str, **values: str) -> None:
        """Add a mark."""
        at = self.now
        self._number += 1
        self.transcript.add(
            Mark(
                number=self._number,
                name=name,
                at=at,
                elapsed_s=self._number + self._skipped.total_seconds(),
                values=values,
            )
        )

    def ask(
        self,
        element: Element | None,
        *,
        wrong: str = "",
        side: Side = Side.SUITE,
        path: str = "/x/EiEvent",
    ) -> Message:
        """Add a request of a side."""
        return self._add(side, Part.REQUEST, None, element, f"POST {path} HTTP/1.1", wrong)

    def reply(
        self,
        request: Message,
        element: Element | None,
        *,
        status: int = 200,
        headers: Headers = (),
        wrong: str = "",
    ) -> Message:
        """Add the other side's response."""
        other = Side.DEVICE if request.sender is Side.SUITE else Side.SUITE
        start = f"HTTP/1.1 {status} X"
        return self._add(other, Part.RESPONSE, request.number, element, start, wrong, headers)

    def _add(
        self,
        side: Side,
        part: Part,
        exchange: int | None,
        element: Element | None,
        start: str,
        wrong: str,
        headers: Headers = (),
    ) -> Message:
        at = self.now
        self._number += 1
        body = payload(element) if element is not None else b""
        found = Message(
            number=self._number,
            sender=side,
            part=part,
            connection=1,
            exchange=exchange or self._number,
            at=at,
            elapsed_s=self._number + self._skipped.total_seconds(),
            start=start,
            headers=headers,
            body=body,
            sha256=sha256(body).hexdigest(),
            wrong=wrong,
        )
        self.transcript.add(found)
        return found
