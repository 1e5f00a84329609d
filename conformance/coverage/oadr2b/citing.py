"""Clauses in running text: ``rules 2, 8 and 100-103``, ``section 9.1.5``, ``E1_1030``, ``CFX2B-EVT-14``."""

import re
from collections.abc import Iterator
from typing import Final

_RULES: Final = re.compile(r"\b[Rr]ules? (\d+(?:-\d+)?(?:(?:, and | and |, )\d+(?:-\d+)?)*)")
_SECTIONS: Final = re.compile(r"\b[Ss]ections? (\d+(?:\.\d+)+(?:(?:, | and )\d+(?:\.\d+)+)*)")
_CASES: Final = re.compile(r"\b(?:A_)?[A-Z]\d_\d{4}\b|\bCFX2B-[A-Z]+-\d\d\b")
_GENERAL: Final = re.compile(r"\brule (0\d\d) of the catalogue")
_WIDEST: Final = 40
"""Rules that one range may name."""


def cited(text: str) -> frozenset[str]:
    """Return the ids of all clauses that a text names; sections with those they are part of."""
    found = {f"case {one[0]}" for one in _CASES.finditer(text)}
    found |= {f"general {one[1]}" for one in _GENERAL.finditer(text)}
    if "Table 1" in text:
        found.add("Table 1")
    for one in _SECTIONS.finditer(text):
        for section in re.findall(r"[\d.]*\d", one[1]):
            found |= set(_within(section))
    for one in _RULES.finditer(text):
        found |= {f"rule {number}" for number in _numbers(one[1])}
    return frozenset(found)


def _within(section: str) -> Iterator[str]:
    parts = section.split(".")
    for depth in range(2, len(parts) + 1):
        yield f"section {'.'.join(parts[:depth])}"


def _numbers(listed: str) -> Iterator[int]:
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
        if first.startswith("0"):
            continue
        end = int(last or first)
        if end - int(first) <= _WIDEST:
            yield from range(int(first), end + 1)
