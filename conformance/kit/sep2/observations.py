"""Minimum observations of 2030.5 cases: what a PASS must rest on."""

from conformance.kit.case import Observation
from conformance.kit.sep2.reading import posts, puts, reads, responses, served
from conformance.kit.transcript import Transcript


def control_seen(control: str, at_least: int = 1) -> Observation:
    """Demand that a control reached the client."""
    return Observation(f"control {control} delivered", at_least, lambda t: len(served(t, control)))


def response_seen(control: str = "", status: int | None = None, at_least: int = 1) -> Observation:
    """Demand that the client responded to a control."""

    def count(transcript: Transcript) -> int:
        rows = responses(transcript, control)
        return sum(1 for r in rows if status is None or r.status == status)

    what = f"response {'' if status is None else status} to {control or 'a control'}"
    return Observation(what.replace("  ", " "), at_least, count)


def read_seen(name: str, at_least: int = 1, *, after: str = "") -> Observation:
    """Demand that the client read a resource, perhaps after a mark."""

    def count(transcript: Transcript) -> int:
        mark = transcript.mark(after) if after else None
        if after and mark is None:
            return 0
        return sum(1 for m in reads(transcript, name) if mark is None or m.number > mark.number)

    return Observation(f"{name} read{f' after {after}' if after else ''}", at_least, count)


def put_seen(name: str, at_least: int = 1) -> Observation:
    """Demand that the client put a document."""
    return Observation(f"{name} put", at_least, lambda t: len(puts(t, name)))


def post_seen(*names: str, at_least: int = 1) -> Observation:
    """Demand that the client posted documents."""
    return Observation(f"{names[0]} posted", at_least, lambda t: len(posts(t, *names)))


def connected(at_least: int = 1) -> Observation:
    """Demand that the client made a whole handshake."""
    return Observation(
        "handshake", at_least, lambda t: sum(1 for c in t.connections if c.tls.get("version"))
    )


def tried(mark: str, until: str, at_least: int = 1) -> Observation:
    """Demand that the client tried to connect between two marks."""

    def count(transcript: Transcript) -> int:
        begins, ends = transcript.mark(mark), transcript.mark(until)
        if begins is None or ends is None:
            return 0
        return sum(1 for c in transcript.connections if begins.at <= c.at < ends.at)

    return Observation(f"tries between {mark} and {until}", at_least, count)
