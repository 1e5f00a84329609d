"""Checks about TLS, from what each handshake told."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import mark_at
from conformance.kit.transcript import Connection, Message, Transcript


def _first(transcript: Transcript, connection: Connection) -> Message | None:
    return next((m for m in transcript.messages if m.connection == connection.number), None)


def agrees(version: str, suite: str, *, requirement: str) -> Check:
    """Demand version and cipher suite, and a certificate of the client, on every connection."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in transcript.connections:
            if "version" not in one.tls:
                continue
            for name, expected in (("version", version), ("cipher", suite)):
                if one.tls.get(name) != expected:
                    yield _of(
                        transcript, one, requirement, name, expected, one.tls.get(name, "none")
                    )
            if not one.tls.get("peer_sha256") and one.tls.get("resumed") != "yes":
                yield _of(transcript, one, requirement, "certificate", "one", "none")

    return Check(f"agrees on {version} with {suite}", judge)


def _of(
    transcript: Transcript, one: Connection, requirement: str, name: str, expected: str, found: str
) -> Finding:
    first = _first(transcript, one)
    return Finding(
        requirement=requirement,
        expected=f"{name} {expected}",
        observed=found,
        message=first.number if first else None,
        path=f"connection {one.number}",
    )


def refuses(mark: str, until: str, *, requirement: str) -> Check:
    """Refuse every request between two marks: the identity that the suite shows meanwhile is a wrong one."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins, ends = mark_at(transcript, mark).number, transcript.mark(until)
        for message in transcript.from_device():
            if message.number > begins and (ends is None or message.number < ends.number):
                yield wrong(requirement, message, "connection", "none", message.start)
                return

    return Check(f"sends nothing between {mark} and {until}", judge)
