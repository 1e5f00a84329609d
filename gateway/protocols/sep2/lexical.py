"""The text form of simple types, both ways: exact bounds, upper-case hex of full length, lenient whitespace.

Readers and writers raise ``UnfitError`` with the bound as its text; who calls them knows the path.

Spec: IEEE 2030.5-2018 boolean, IEEE 2030.5-2018 Integer, IEEE 2030.5-2018 String32, IEEE 2030.5-2018 HexBinary160.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from gateway.protocols.sep2.tables import Simple

Value: TypeAlias = "int | str | bool"
Reader: TypeAlias = Callable[[str | None], Value]
Writer: TypeAlias = Callable[[object], str]

LONGEST_NUMBER: Final = 8
"""In bytes: longer hex values are identifiers, kept as text in upper case, padded to full length."""
_SPACE: Final = " \t\r\n"
_SHORT: Final = 20
"""Digits: a number of fewer is read without a second look."""
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]*")
_URI: Final = re.compile(r"[^\s\x00-\x20\x7f-\x9f<>\"{}|\\^`\ud800-\udfff\ufffe\uffff]*")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_ESCAPES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#13;",
        "\n": "&#10;",
        "\t": "&#9;",
    }
)


class UnfitError(ValueError):
    """A text or value outside its type; the message tells the bound."""


def bound(simple: Simple) -> str:
    """Say what a type takes."""
    match simple.kind:
        case "integer":
            return f"must be {simple.name}, a whole number from {simple.low} to {simple.high}"
        case "hex":
            return f"must be {simple.name}, an even number of hex digits, {2 * simple.high} at most"
        case "boolean":
            return "must be true, false, 1 or 0"
        case "uri":
            return f"must be a URI of at most {simple.high} characters without spaces"
        case _:
            return f"must be {simple.name}, at most {simple.high} characters"


def reader(simple: Simple) -> Reader:
    """Make the function that reads a type from the text of an element (None: it has none)."""
    told = bound(simple)
    match simple.kind:
        case "integer":
            return _integer_reader(simple, told)
        case "hex":
            return _hex_reader(simple, told)
        case "boolean":
            return _boolean_reader(told)
        case "uri":
            return _uri_reader(simple, told)
        case _:
            return _text_reader(simple, told)


def writer(simple: Simple) -> Writer:
    """Make the function that writes a type, escaped for elements and attributes."""
    told = bound(simple)
    match simple.kind:
        case "integer":
            return _integer_writer(simple, told)
        case "hex":
            return _hex_writer(simple, told)
        case "boolean":
            return _boolean_writer(told)
        case "uri":
            return _text_writer(simple, told, _URI)
        case _:
            return _text_writer(simple, told, None)


def _integer_reader(simple: Simple, told: str) -> Reader:
    low, high = simple.low, simple.high
    # Almost every number is a plain small one; these are looked up, the others are judged.
    known = {str(n): n for n in range(max(low, -10), min(high, 1000) + 1)}

    def read(text: str | None) -> int:
        found = known.get(text)  # type: ignore[arg-type] # None is no key, and that is the answer
        if found is not None:
            return found
        if text is not None and text.isdecimal() and text.isascii() and len(text) < _SHORT:
            number = int(text)
            if low <= number <= high:
                return number
        bare = (text or "").strip(_SPACE)
        if _INTEGER.fullmatch(bare):
            number = int(bare)
            if low <= number <= high:
                return number
        raise UnfitError(told)

    return read


def _hex_reader(simple: Simple, told: str) -> Reader:
    digits = 2 * simple.high

    def bare(text: str | None) -> str:
        found = (text or "").strip(_SPACE)
        if len(found) > digits or len(found) % 2 or not _HEX.fullmatch(found):
            raise UnfitError(told)
        return found

    def read_number(text: str | None) -> int:
        return int(bare(text) or "0", 16)

    def read_identifier(text: str | None) -> str:
        return bare(text).upper().zfill(digits)

    return read_number if simple.high <= LONGEST_NUMBER else read_identifier


def _boolean_reader(told: str) -> Reader:
    def read(text: str | None) -> bool:
        found = _BOOLEANS.get((text or "").strip(_SPACE))
        if found is None:
            raise UnfitError(told)
        return found

    return read


def _uri_reader(simple: Simple, told: str) -> Reader:
    longest = simple.high

    def read(text: str | None) -> str:
        found = (text or "").strip(_SPACE)
        if len(found) > longest or not _URI.fullmatch(found) or not sound(found):
            raise UnfitError(told)
        return found

    return read


def sound(uri: str) -> bool:
    """Say whether an address can be taken apart: one that cannot would fail whoever follows it."""
    if "//" not in uri:
        return True  # almost every one is a path
    try:
        _ = urlsplit(uri).port
    except ValueError:
        return False
    return True


def _text_reader(simple: Simple, told: str) -> Reader:
    longest = simple.high

    def read(text: str | None) -> str:
        found = text or ""
        if len(found) > longest:
            raise UnfitError(told)
        return found

    return read


def _integer_writer(simple: Simple, told: str) -> Writer:
    low, high = simple.low, simple.high

    def write(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return int.__repr__(value)
        raise UnfitError(told)

    return write


def _hex_writer(simple: Simple, told: str) -> Writer:
    digits = 2 * simple.high
    most = 256**simple.high - 1

    def write_number(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return f"{int(value):0{digits}X}"
        raise UnfitError(told)

    def write_identifier(value: object) -> str:
        if (
            isinstance(value, str)
            and len(value) <= digits
            and len(value) % 2 == 0
            and _HEX.fullmatch(value)
        ):
            return value.upper().zfill(digits)
        raise UnfitError(told)

    return write_number if simple.high <= LONGEST_NUMBER else write_identifier


def _boolean_writer(told: str) -> Writer:
    def write(value: object) -> str:
        if value is True:
            return "true"
        if value is False:
            return "false"
        raise UnfitError(told)

    return write


def _text_writer(simple: Simple, told: str, form: re.Pattern[str] | None) -> Writer:
    longest = simple.high

    def write(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise UnfitError(told)
        if form is not None and not form.fullmatch(value):
            raise UnfitError(told)
        if _NOT_XML.search(value):
            raise UnfitError("must hold nothing but characters of XML")
        return value.translate(_ESCAPES)

    return write
