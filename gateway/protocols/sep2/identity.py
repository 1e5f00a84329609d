"""Who a 2030.5 device is: LFDI, SFDI, PIN and mRID arithmetic.

Hex identifiers are compared as integers, because senders may drop leading zeros; they are written upper-case and
padded to their full length.

Spec: IEEE 2030.5-2018 clauses 6.3.2 to 6.3.5; CSIP-AUS PEN (of an mRID, in decimal digits).
"""

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from gateway.domain.errors import WireError

LFDI_DIGITS: Final = 40
MRID_DIGITS: Final = 32
PIN_LIMIT: Final = 1_000_000
RESERVED_MRID: Final = "F" * 24
"""Beginning of the mRID of an object that is still being created."""
_SFDI_BITS: Final = 36
_SFDI_LIMIT: Final = 10 * 2**_SFDI_BITS
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_PEN_DIGITS: Final = 8
_GROUP: Final = 3


class PenEncoding(StrEnum):
    """How the enterprise number stands in the low 32 bits of an mRID."""

    HEX = "hex"
    """As a binary number: 40732 is ``00009F1C`` (IEEE 2030.5 read literally)."""
    DECIMAL = "decimal"
    """As decimal digits: 40732 is ``00040732`` (CSIP-AUS)."""


def lfdi_of(der: bytes) -> str:
    """Return the long form device identifier of a certificate: the left 160 bits of its SHA-256.

    Args:
        der: The whole certificate in DER.

    Spec: IEEE 2030.5-2018 clause 6.3.4.
    """
    return hashlib.sha256(der).hexdigest()[:LFDI_DIGITS].upper()


def lfdi(text: str) -> str:
    """Return an LFDI in canonical form: 40 upper-case digits.

    Raises:
        WireError: ``INVALID_TEXT`` when it is no hex number of at most 160 bits.
    """
    return _hex(text, LFDI_DIGITS, "an LFDI")


def sfdi_of(long_form: str) -> int:
    """Return the short form of an LFDI: its left 36 bits in decimal, and a check digit.

    Raises:
        WireError: ``INVALID_TEXT`` when the LFDI is malformed.

    Spec: IEEE 2030.5-2018 clause 6.3.3.
    """
    return _with_check_digit(int(lfdi(long_form)[: _SFDI_BITS // 4], 16))


def is_sfdi(number: int) -> bool:
    """Say whether a number may be an SFDI: 36 bits and a check digit that makes the digits sum to 0 modulo 10."""
    return 0 <= number < _SFDI_LIMIT and number // 10 < 2**_SFDI_BITS and _checks(number)


def sfdi_text(number: int) -> str:
    """Write an SFDI for people: ``167-261-211-391``, padded to 12 digits."""
    digits = sfdi_label(number)
    return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def sfdi_label(number: int) -> str:
    """Write an SFDI for a DNS-SD label: 12 digits, padded with zeros."""
    return f"{number:012d}"


def pin_of(number: int) -> int:
    """Return the PIN of a five-digit number: the number and its check digit.

    Raises:
        WireError: ``INVALID_NUMBER`` when there are more than five digits.

    Spec: IEEE 2030.5-2018 clause 6.3.5: the six digits sum to 0 modulo 10.
    """
    if not 0 <= number < PIN_LIMIT // 10:
        raise WireError("INVALID_NUMBER", "a PIN is made of a number of five digits, 0 to 99999")
    return _with_check_digit(number)


def pin_doubt(pin: int) -> str | None:
    """Say what is doubtful about a PIN, one sentence; None: nothing.

    A wrong check digit is a warning and no refusal: servers are known to compute it differently, and the whole
    number is what both sides compare.

    Raises:
        WireError: ``INVALID_NUMBER`` outside 0 to 999999: no server can hold such a PIN.
    """
    if not 0 <= pin < PIN_LIMIT:
        raise WireError("INVALID_NUMBER", "a PIN lies between 0 and 999999")
    if _checks(pin):
        return None
    right = _with_check_digit(pin // 10) % 10
    return f"the check digit of the PIN is {pin % 10}, IEEE 2030.5 wants {right}: was it mistyped?"


def same_hex(one: str, other: str) -> bool:
    """Say whether two hex texts give the same number; what is no hex number equals nothing, itself included."""
    if not (_HEX.fullmatch(one) and _HEX.fullmatch(other)):
        return False
    return one.lstrip("0").upper() == other.lstrip("0").upper()


def mrid(text: str) -> str:
    """Return an mRID in canonical form: 32 upper-case digits, so that texts order as the numbers do.

    Raises:
        WireError: ``INVALID_TEXT`` when it is no hex number of at most 128 bits.
    """
    return _hex(text, MRID_DIGITS, "an mRID")


def mrid_of(seed: bytes, pen: int, encoding: PenEncoding = PenEncoding.HEX) -> str:
    """Make an mRID from what it stands for: the same seed gives the same mRID.

    Args:
        seed: Whatever identifies the object; 96 bits of its SHA-256 are used.
        pen: Private enterprise number of the creator.
        encoding: How the enterprise number is written.

    Raises:
        WireError: ``INVALID_NUMBER`` when the enterprise number does not fit.
    """
    digits = MRID_DIGITS - _PEN_DIGITS
    head = hashlib.sha256(seed).hexdigest()[:digits].upper()
    return head + pen_digits(pen, encoding)


def pen_digits(pen: int, encoding: PenEncoding) -> str:
    """Write an enterprise number as the last eight digits of an mRID.

    Raises:
        WireError: ``INVALID_NUMBER`` when it does not fit.
    """
    digits = f"{pen:08X}" if encoding is PenEncoding.HEX else f"{pen:08d}"
    if pen < 0 or len(digits) != _PEN_DIGITS:
        raise WireError("INVALID_NUMBER", "an enterprise number has eight digits at most")
    return digits


def pens_of(text: str) -> Mapping[PenEncoding, int]:
    """Return what the last eight digits of an mRID (or of an LFDI made by an aggregator) may mean, by reading.

    Raises:
        WireError: ``INVALID_TEXT`` when it is no hex number.
    """
    tail = _hex(text, LFDI_DIGITS, "an identifier")[-_PEN_DIGITS:]
    found = {PenEncoding.HEX: int(tail, 16)}
    if tail.isdecimal():
        found[PenEncoding.DECIMAL] = int(tail)
    return found


def managed_lfdi(seed: bytes, pen: int) -> str:
    """Make the LFDI of a device without a certificate: 32 digits of its own and the aggregator's number in decimal.

    Raises:
        WireError: ``INVALID_NUMBER`` when the enterprise number does not fit.

    Spec: CSIP-AUS PEN (devices behind an aggregator).
    """
    head = hashlib.sha256(seed).hexdigest()[: LFDI_DIGITS - _PEN_DIGITS].upper()
    return head + pen_digits(pen, PenEncoding.DECIMAL)


def _hex(text: str, digits: int, what: str) -> str:
    if not _HEX.fullmatch(text) or len(text.lstrip("0")) > digits:
        raise WireError("INVALID_TEXT", f"{what} has 1 to {digits} hex digits and nothing else")
    return text.lstrip("0").upper().rjust(digits, "0")


def _digit_sum(number: int) -> int:
    return sum(int(digit) for digit in str(number))


def _checks(number: int) -> bool:
    return _digit_sum(number) % 10 == 0


def _with_check_digit(number: int) -> int:
    return number * 10 + -_digit_sum(number) % 10
