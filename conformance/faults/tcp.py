"""Faults of the connection: ended, stopped or slowed at a chosen place of the answer."""

from typing import Final

from conformance.faults.exchange import Exchange

_ALERT: Final = b"\x15\x03\x03\x00\x02\x02\x28"
"""A fatal alert in plain, where encrypted records are expected (RFC 8446 section 6)."""


async def reset_unsent(exchange: Exchange, _: float) -> None:
    """Reset before the server has seen the request."""
    exchange.line.reset()


async def reset_before(exchange: Exchange, _: float) -> None:
    """Let the server act, then reset before the first byte of its answer."""
    await exchange.forward()
    exchange.line.reset()


async def reset_mid(exchange: Exchange, _: float) -> None:
    """Reset in the middle of the answer's body."""
    whole = (await exchange.forward()).whole
    await exchange.line.write(whole[: len(whole) - len(whole) // 4])
    exchange.line.reset()


async def reset_after(exchange: Exchange, _: float) -> None:
    """Reset once the answer is out: the next request meets a dead connection."""
    await exchange.line.write((await exchange.forward()).whole)
    exchange.line.reset()


async def close_after(exchange: Exchange, _: float) -> None:
    """Close properly once the answer is out, without having said so."""
    await exchange.line.write((await exchange.forward()).whole)
    exchange.line.close()


async def half_close(exchange: Exchange, _: float) -> None:
    """End our direction in the middle of the answer and go on listening."""
    whole = (await exchange.forward()).whole
    await exchange.line.write(whole[: len(whole) // 2])
    exchange.line.close_sending()


async def black_hole(exchange: Exchange, _: float) -> None:
    """Take the request and say nothing; the server never sees it."""
    await exchange.line.withhold()


async def lost_answer(exchange: Exchange, _: float) -> None:
    """Let the server act, and swallow its answer."""
    await exchange.forward()
    await exchange.line.withhold()


async def delay(exchange: Exchange, seconds: float) -> None:
    """Answer late."""
    answer = await exchange.forward()
    await exchange.line.sleep(seconds)
    await exchange.line.write(answer.whole)


async def bandwidth(exchange: Exchange, per_second: float) -> None:
    """Answer at so many bytes per second."""
    whole = (await exchange.forward()).whole
    piece = max(1, int(per_second))
    for start in range(0, len(whole), piece):
        if start:
            await exchange.line.sleep(1)
        await exchange.line.write(whole[start : start + piece])


async def drip(exchange: Exchange, per_second: float) -> None:
    """Send the headers at once and the body byte by byte, so many a second; the answer is never finished."""
    answer = await exchange.forward()
    await exchange.line.write(answer.with_body(answer.body.ljust(100_000)).head)
    for byte in answer.body.ljust(100_000):
        await exchange.line.write(bytes((byte,)))
        await exchange.line.sleep(1 / per_second)


async def drip_head(exchange: Exchange, per_second: float) -> None:
    """Send the headers byte by byte and never finish them."""
    await exchange.line.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    while True:
        await exchange.line.write(b"x")
        await exchange.line.sleep(1 / per_second)


async def single_bytes(exchange: Exchange, _: float) -> None:
    """Send the answer in writes of one byte."""
    for byte in (await exchange.forward()).whole:
        await exchange.line.write(bytes((byte,)))


async def plain_alert(exchange: Exchange, _: float) -> None:
    """Send a fatal alert in the middle of the answer, in plain."""
    whole = (await exchange.forward()).whole
    await exchange.line.write(whole[: len(whole) // 2])
    await exchange.line.write_raw(_ALERT)


async def unsolicited(exchange: Exchange, count: float) -> None:
    """Answer, and then send answers that nobody asked for."""
    answer = (await exchange.forward()).whole
    await exchange.line.write(answer)
    await exchange.line.pause()
    block = answer * 64
    for _ in range(int(count) // 64):
        await exchange.line.write(block)


async def interim(exchange: Exchange, count: float) -> None:
    """Send interim answers, many of them, before the real one."""
    block = b"HTTP/1.1 102 Processing\r\n\r\n" * 256
    answer = await exchange.forward()
    for _ in range(int(count) // 256):
        await exchange.line.write(block)
    await exchange.line.write(answer.whole)
