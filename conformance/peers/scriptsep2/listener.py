"""Where the suite's clients take notifications: a server of their own under mutual TLS (meets ``kit.sep2.client``)."""

from collections import deque
from http import HTTPStatus
from typing import Final

from conformance.kit.replies import Reply
from conformance.kit.sep2.build import written
from conformance.kit.transcript import Message
from conformance.peers.script2b.door import Address, Door
from conformance.peers.script2b.ports import Answer, Contexts, Recorder
from gateway.domain.ports import Clock

_CREATED: Final = 201


class ScriptedListener:
    """One client's listener: answers 201 unless it was told otherwise.

    Args:
        path: That notifications come to; nobody can guess it.
        tape: Records.
        clock: Of faults that take time.
        contexts: TLS identity; None: plain HTTP.
        address: Where.
    """

    def __init__(
        self, path: str, tape: Recorder, clock: Clock, contexts: Contexts | None, address: Address
    ) -> None:
        self._path = path
        self._tape = tape
        self._door = Door(self._take, tape, clock, contexts, address)
        self._next: deque[Reply] = deque()
        self._always: Reply | None = None
        self._open = False

    @property
    def url(self) -> str:
        """Return notificationURI."""
        return f"{self._door.url}/{self._path}"

    def at(self, word: str) -> str:
        """Return a notificationURI that ends in a word."""
        return f"{self.url}/{word}"

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next notifications so."""
        self._next.extend(replies)

    def answer_always(self, reply: Reply | None) -> None:
        """Answer every notification so."""
        self._always = reply

    async def down(self) -> None:
        """Close the port."""
        self._tape.mark("suite.down")
        await self.close()

    async def up(self) -> None:
        """Listen."""
        if not self._open:
            await self._door.up()
            self._open = True
            self._tape.mark("suite.up")

    async def close(self) -> None:
        """Close without a word."""
        if self._open:
            self._open = False
            await self._door.down()

    async def _take(self, _: Message) -> Answer:
        reply = self._next.popleft() if self._next else self._always
        if reply is None:
            return _said(_CREATED)
        body = written(reply.element) if reply.element is not None else reply.body or b""
        return _said(
            reply.status, body, headers=reply.headers, wrong=reply.wrong, fault=reply.fault
        )


def _said(
    code: int,
    body: bytes = b"",
    *,
    headers: tuple[tuple[str, str], ...] = (),
    wrong: str = "",
    fault: str = "",
) -> Answer:
    phrase = next((s.phrase for s in HTTPStatus if s.value == code), "Unknown")
    return Answer(status=f"{code} {phrase}", headers=headers, body=body, wrong=wrong, fault=fault)
