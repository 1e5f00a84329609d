"""Minimum observations of cases for servers: what was shown must have been looked at when it mattered."""

from conformance.kit.case import Observation
from conformance.kit.sep2.offered import offered
from conformance.kit.sep2.serving import asked
from conformance.kit.sep2.shown import appearances, looks, places
from conformance.kit.transcript import Transcript


def control_shown(control: str, status: int | None = None, at_least: int = 1) -> Observation:
    """Demand that a control was shown, perhaps with this currentStatus."""

    def count(transcript: Transcript) -> int:
        rows = appearances(transcript, "DERControl", control)
        return sum(1 for one in rows if status is None or one.status == status)

    what = f"control {control} shown{'' if status is None else f' with status {status}'}"
    return Observation(what, at_least, count)


def active_looks(program: str, at_least: int) -> Observation:
    """Demand that controls of a program were found active so often."""

    def count(transcript: Transcript) -> int:
        found = looks(transcript, "DERControlList", program)
        path = "{*}EventStatus/{*}currentStatus"
        return sum(1 for look in found for row in look.rows if row.findtext(path) == "1")

    return Observation(f"active controls of {program} found", at_least, count)


def looked_after(control: str) -> Observation:
    """Demand that a list was looked at whole once a control had ended."""

    def count(transcript: Transcript) -> int:
        story = offered(transcript, control)
        if story is None:
            return 0
        rows = looks(transcript, "DERControlList", story.program)
        return sum(1 for one in rows if one.last.at > story.latest_end)

    return Observation(f"list looked at after the end of {control}", 1, count)


def looked(what: str, of: str, at_least: int = 1, *, mark: str = "") -> Observation:
    """Demand that a resource was read, perhaps after a mark."""

    def count(transcript: Transcript) -> int:
        where = places(transcript, what, of)
        return sum(1 for a in asked(transcript, "GET", after=mark) if a.fine and a.path in where)

    return Observation(f"{what} of {of} read{f' after {mark}' if mark else ''}", at_least, count)


def took(name: str, at_least: int = 1, *, mark: str = "") -> Observation:
    """Demand that the server took documents of a name, perhaps after a mark."""

    def count(transcript: Transcript) -> int:
        return sum(1 for one in asked(transcript, sent=name, after=mark) if one.status < 300)

    return Observation(f"{name} taken", at_least, count)


def marked(name: str) -> Observation:
    """Demand that the script came to a mark."""
    return Observation(f"mark {name}", 1, lambda transcript: len(transcript.all_marks(name)))
