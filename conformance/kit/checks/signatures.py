"""Checks of XML signatures: the device's own, and that it believes no wrong one (2.0b section 10.6, rule 514)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.kit.case import Observation
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.signatures import read
from conformance.kit.transcript import Message, Part, Transcript

SIGNED: Final = "REQ-OADR20B-R514-1"
REPLAY: Final = "REQ-OADR20B-R514-3"
NAMED: Final = "REQ-OADR20B-10.6.3-1"
ON_FILE: Final = "REQ-OADR20B-10.6-1"
_PATH: Final = "/oadr:oadrPayload/ds:Signature"
_AGE: Final = timedelta(seconds=30)
"""Most between a timestamp and the moment at which the message passes the socket."""


def signs_everything() -> Check:
    """Demand a signature that verifies in every message of the device."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in _signed_by_device(transcript):
            found = read(message.plain)
            if found.fault:
                yield wrong(SIGNED, message, _PATH, "a signature that verifies", found.fault)

    return Check("signs every message", judge)


def signs_by_named_algorithms() -> Check:
    """Demand SHA-256 everywhere."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in _signed_by_device(transcript):
            found = read(message.plain)
            if found.algorithm:
                yield wrong(NAMED, message, _PATH, "SHA-256 alone", found.algorithm)

    return Check("signs by the algorithms of the standard", judge)


def signs_as_it_shows_itself() -> Check:
    """Demand that messages are signed by the certificate which the device shows in TLS."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        shown = {one.number: one.tls.get("peer_sha256", "") for one in transcript.connections}
        for message in _signed_by_device(transcript):
            found, peer = read(message.plain), shown.get(message.connection, "")
            if peer and not found.fault and found.certificate_sha256 != peer:
                text = f"the certificate {peer[:16]}… of TLS"
                yield wrong(ON_FILE, message, _PATH, text, found.certificate_sha256[:16] + "…")

    return Check("signs by the certificate that it shows", judge)


def protects_from_replay() -> Check:
    """Demand a timestamp of the present and a nonce of its own in every message of the device."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        seen: dict[str, int] = {}
        for message in _signed_by_device(transcript):
            found = read(message.plain)
            if found.fault:
                continue
            sent = _instant(found.timestamp)
            path = f"{_PATH}//dsp:timestamp"
            if sent is None or abs(message.at - sent) > _AGE:
                text = f"about {message.at:%Y-%m-%dT%H:%M:%SZ}"
                yield wrong(REPLAY, message, path, text, found.timestamp or "none")
            if not found.nonce or found.nonce in seen:
                before = f"that of message {seen.get(found.nonce)}" if found.nonce else "none"
                yield wrong(REPLAY, message, f"{_PATH}//dsp:nonce", "a fresh nonce", before)
            seen[found.nonce] = message.number

    return Check("protects from replay", judge)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _signed_by_device(transcript: Transcript) -> list[Message]:
    """Return what the device said by documents; what is refused by a status needs none."""
    return [m for m in transcript.from_device() if m.plain.strip()]


def brought(wrongness: str, at_least: int = 1) -> Observation:
    """Demand that a document which was wrong in a certain way reached the device."""

    def count(transcript: Transcript) -> int:
        return sum(
            1 for m in transcript.from_suite() if m.wrong == wrongness and _came(m, transcript)
        )

    return Observation(f"{wrongness} brought to the device", at_least, count)


def _came(message: Message, transcript: Transcript) -> bool:
    whole = not (message.fault or message.broken)
    answered = message.part is Part.RESPONSE or transcript.answer(message) is not None
    return whole and answered


def signatures_seen(at_least: int) -> Observation:
    """Demand so many signed messages of the device."""

    def count(transcript: Transcript) -> int:
        return sum(1 for m in _signed_by_device(transcript) if not read(m.plain).fault)

    return Observation("signed messages from the device", at_least, count)
