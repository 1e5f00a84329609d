"""Server-sent events, block by block.

Under a virtual clock every block carries a token (see ``gateway.domain.ports.Clock``): asking for the next block gives
one back, the block brings its own, and so whoever handles a block always holds exactly one.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import aiohttp

from gateway.client.exchange import BackLaterError
from gateway.domain.ports import Clock

LARGEST_BLOCK: Final = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a stream."""

    event: str = ""
    """Kind; empty for a comment alone."""
    sequence: int = 0
    data: bytes = b""
    comment: str = ""


class BlockParser:
    """Cuts bytes into blocks.

    Spec: HTML Living Standard, server-sent events, event stream interpretation.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._size = 0
        self._blocks: deque[Block] = deque()

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they came.

        Raises:
            BackLaterError: a block is larger than ``LARGEST_BLOCK``.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line:
                self._lines.append(line)
                self._size += len(line)
            elif self._lines:
                self._blocks.append(_block(self._lines))
                self._lines, self._size = [], 0
        if self._size + len(self._rest) > LARGEST_BLOCK:
            raise BackLaterError(f"a block of the stream is larger than {LARGEST_BLOCK} bytes")

    def pop(self) -> Block | None:
        """Return the oldest complete block."""
        return self._blocks.popleft() if self._blocks else None

    @property
    def begun(self) -> int:
        """Return how many blocks are here, the incomplete one included."""
        return len(self._blocks) + bool(self._lines or self._rest)


class Stream:
    """One open stream.

    Args:
        answer: As opened.
        clock: Counts the tokens; bounds silence.
        idle_s: Silence after which the stream counts as dead.
    """

    def __init__(self, answer: aiohttp.ClientResponse, clock: Clock, idle_s: float) -> None:
        self._answer = answer
        self._clock = clock
        self._idle_s = idle_s
        self._parser = BlockParser()

    async def next(self) -> Block:
        """Wait for the next block.

        Raises:
            BackLaterError: the stream ended, broke or fell silent.
        """
        self._clock.release()
        got_token = False
        try:
            while (block := self._parser.pop()) is None:
                try:
                    async with self._clock.timeout(self._idle_s):
                        chunk = await self._answer.content.readany()
                except TimeoutError:
                    got_token = True  # the alarm's
                    raise BackLaterError(f"silent for {self._idle_s:g} s") from None
                if not chunk:
                    raise BackLaterError("the stream ended")
                self._parser.feed(chunk)
            got_token = True
        except (aiohttp.ClientError, OSError) as error:
            raise BackLaterError(type(error).__name__) from None
        finally:
            if not got_token:
                self._clock.hold()
        return block

    def close(self) -> None:
        """Close the connection and give back the tokens of what nobody will read."""
        self._answer.close()
        for _ in range(self._parser.begun):
            self._clock.release()


def _block(lines: list[bytes]) -> Block:
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        fields[name] = fields[name] + b"\n" + value if name == b"data" and name in fields else value
    sequence = fields.get(b"id", b"")
    return Block(
        event=fields.get(b"event", b"").decode("utf-8", "replace"),
        sequence=int(sequence) if sequence.isdigit() and len(sequence) <= 16 else 0,
        data=fields.get(b"data", b""),
        comment=fields.get(b"", b"").decode("utf-8", "replace"),
    )
