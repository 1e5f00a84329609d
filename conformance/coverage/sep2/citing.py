"""Clauses in running text: ``2030.5-2018 10.2.3.3 rules c and l``, ``CSIP BASIC-024..026``, ``CSIP-AUS ALL-18``."""

import re
from collections.abc import Iterator
from typing import Final

_LETTERS: Final = r"[a-z](?:(?:, | and )[a-z]\b)*"
_ITEM: Final = (
    r"(?:Table \d+|Annex [A-Z](?:\.\d+(?:-[A-Z]\.\d+)?)?"
    rf"|\d{{1,2}}(?:\.\d+)+(?: rules? {_LETTERS})?)(?: \([^)]*\))?"
)
_REFERENCE: Final = re.compile(
    r"(?:2030\.5(?:-20\d\d)?(?: and -20\d\d)?(?: clauses?)?|\b20[12]\d|\b[Cc]lauses?),? "
    rf"({_ITEM}(?:(?:, and |, | and | to ){_ITEM})*)"
)
_NUMBER: Final = re.compile(rf"( to )?(?<![\w.])(\d{{1,2}}(?:\.\d+)+)(?: rules? ({_LETTERS}))?")
_BARE: Final = re.compile(r"\b(10\.2\.[23]\.3) (?=[a-t](?:[,;.)]| and | \(|$))")
"""A letter of a rule of events without the word."""
_TYPE: Final = re.compile(r"2030\.5(?:-20\d\d)? ([A-Za-z]\w+)")
_NO_TYPES: Final = ("clause", "clauses", "and", "Table", "Annex", "events", "CSIP", "DNS")
_GUIDE: Final = re.compile(r"Implementation Guide v2\.1,? (?:section )?(\d+(?:\.\d+)+|Table \d+)")
_TOPIC: Final = re.compile(
    r"CSIP-AUS (?:namespace|storage beta|schema|connection point|required elements|PEN)\b"
    r"|CSIP TIME\.011|\bDNS-SD\b|\bEXI\b|\bother function sets\b|\bevents: [A-Za-z' ]+"
)
_SUNSPEC: Final = re.compile(
    r"\b(COMM|CORE|BASIC|AGG|ERR|MAINT|UTIL)-(\d{3})(?:([A-G])(?:\.\.([A-G]))?|\.\.(\d{3}))?\b"
)
_AUSTRALIAN: Final = re.compile(
    r"(?<![\w-])(S-ALL|S-OPT|ALL|GEN|LOA|MUL|DRA|DRL|DRG|DRD|STO|PRC|P)-(\d\d)(?:\.\.(\d\d))?(-REJ|-EXT)?(?![\w])"
)


def cited(text: str) -> frozenset[str]:
    """Return the ids of all clauses that a text names; numbered ones with those they are part of."""
    return frozenset(wider for one in named(text) for wider in _within(one))


def named(text: str) -> frozenset[str]:
    """Return the ids of exactly those clauses that a text names."""
    plain = _BARE.sub(r"\1 rules ", " ".join(text.split()))
    return frozenset((*_clauses(plain), *_sunspec(plain), *_australian(plain), *_others(plain)))


def _within(one: str) -> Iterator[str]:
    yield one
    if not one[0].isdigit():
        return
    number, _, rule = one.partition(" ")
    parts = number.split(".")
    for depth in range(2, len(parts) + bool(rule)):
        yield ".".join(parts[:depth])


def _clauses(text: str) -> Iterator[str]:
    for reference in _REFERENCE.finditer(text):
        plain = re.sub(r" \([^)]*\)", "", reference[1])
        yield from (one[0] for one in re.finditer(r"Table \d+|Annex [A-Z]", plain))
        yield from _numbers(re.sub(r"Annex \S+", "", plain))


def _numbers(text: str) -> Iterator[str]:
    before = ""
    for one in _NUMBER.finditer(text):
        if one[1]:
            yield from _between(before, one[2])
        before = one[2]
        if one[3]:
            yield from (f"{one[2]} rule {letter}" for letter in re.findall(r"\b[a-z]\b", one[3]))
        else:
            yield one[2]


def _between(first: str, last: str) -> Iterator[str]:
    """Yield the clauses after the first and before the last, which differ in their last number alone."""
    base, _, low = first.rpartition(".")
    other, _, high = last.rpartition(".")
    if base == other:
        yield from (f"{base}.{number}" for number in range(int(low) + 1, int(high)))


def _sunspec(text: str) -> Iterator[str]:
    for one in _SUNSPEC.finditer(text):
        group, number, letter, last_letter, last = one.groups()
        if letter:
            letters = map(chr, range(ord(letter), ord(last_letter or letter) + 1))
            yield from (f"CSIP {group}-{number}{each}" for each in letters)
        else:
            numbers = range(int(number), int(last or number) + 1)
            yield from (f"CSIP {group}-{each:03}" for each in numbers)


def _australian(text: str) -> Iterator[str]:
    for one in _AUSTRALIAN.finditer(text):
        group, number, last, ending = one.groups()
        numbers = range(int(number), int(last or number) + 1)
        yield from (f"CSIP-AUS {group}-{each:02}{ending or ''}" for each in numbers)


def _others(text: str) -> Iterator[str]:
    yield from (f"Guide {one[1]}" for one in _GUIDE.finditer(text))
    yield from (one[0] for one in _TOPIC.finditer(text))
    for one in _TYPE.finditer(text):
        if one[1] not in _NO_TYPES:
            yield f"type {one[1]}" if one[1][0].isupper() else one[1]
