"""Checks of lists that are read in pages."""

from collections.abc import Iterator, Sequence

from lxml import etree

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.checks.answers import within
from conformance.kit.sep2.serving import Asked
from conformance.kit.transcript import Transcript


def _lists(transcript: Transcript, name: str, part: str) -> list[Asked]:
    rows = within(transcript, part, "GET", got=name)
    return [one for one in rows if one.fine and one.answer is not None]


def _places(one: Asked) -> Sequence[str]:
    """Return where the members of a page lie, in their order."""
    if one.answer is None:
        return ()
    return tuple(
        member.get("href", "?")
        for root in one.answer.elements("self::*")
        for member in root.iterchildren(etree.Element)
    )


def pages(name: str, count: int, *, requirement: str, part: str) -> Check:
    """Demand that pages hold what the first reading, of the whole list, shows at their places.

    Args:
        name: Of the list.
        count: Members that it has.
        requirement: That is cited.
        part: Of the script; its first reading is whole.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = _lists(transcript, name, part)
        for one in rows:
            if one.answer is not None and one.answer.text("@all") != str(count):
                yield wrong(requirement, one.answer, "@all", str(count), one.answer.text("@all"))
        whole = _places(rows[0]) if rows else ()
        if rows and rows[0].answer is not None and len(set(whole)) != count:
            yield wrong(requirement, rows[0].answer, "", f"{count} members", str(len(set(whole))))
        for one in rows[1:]:
            first, most = int(one.query.get("s", "0")), int(one.query.get("l", "1"))
            right, found = whole[first : first + most], _places(one)
            if one.answer is not None and found != right[: len(found)]:
                told = " ".join(right) or "none"
                yield wrong(requirement, one.answer, "", told, " ".join(found) or "none")

    return Check(f"{name} in pages in {part}", judge)


def ends(name: str, count: int, *, requirement: str, part: str) -> Check:
    """Demand that every reading of a list in a part shows its number of all, and no member."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in _lists(transcript, name, part):
            if one.answer is None:
                continue
            for key, value in (("all", str(count)), ("results", "0")):
                if one.answer.text(f"@{key}") != value:
                    yield wrong(
                        requirement, one.answer, f"@{key}", value, one.answer.text(f"@{key}")
                    )
            if _places(one):
                yield wrong(requirement, one.answer, "", "no member", " ".join(_places(one)))

    return Check(f"{name} of {count} shows none in {part}", judge)


def cut(name: str, *, requirement: str, part: str) -> Check:
    """Demand that readings with ``a`` hold those members of the first one, and no others, that start later.

    The first reading is before all of them.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = _lists(transcript, name, part)
        known = {place: start for one in rows for place, start in _starts(one)}
        for one in rows:
            after = int(one.query.get("a", "0"))
            right = {place for place, start in known.items() if start > after}
            found = set(_places(one))
            if one.answer is not None and found != right:
                told = f"{len(right)} that start after {after}"
                yield wrong(requirement, one.answer, "", told, f"{len(found)} members")

    return Check(f"{name} is cut in {part}", judge)


def _starts(one: Asked) -> Iterator[tuple[str, int]]:
    if one.answer is None:
        return
    for member in one.answer.elements("self::*/*[s:interval]"):
        start = member.findtext("{*}interval/{*}start") or "0"
        yield member.get("href", "?"), int(start) if start.lstrip("-").isdigit() else 0
