"""Column types and conversions that lose nothing: decimals as text, instants and lengths as whole microseconds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

from gateway.domain.errors import MisuseError, StoreError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

BIG_KEY: Final = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key that counts by itself; SQLite does that for its own INTEGER only."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A ``Decimal`` column that keeps every digit.

    SQLite has no decimal type: SQLAlchemy's ``Numeric`` goes through a float there and loses digits beyond the 15th.
    This one is text on every database. Compare for equality only: text does not sort like numbers.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Write the exact text of a finite number.

        Raises:
            MisuseError: ``NOT_EXACT``.
        """
        del dialect
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise MisuseError("NOT_EXACT", "an exact column takes finite Decimals only")
        return str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """Read the number back."""
        del dialect
        if value is None:
            return None
        try:
            return Decimal(value)
        except InvalidOperation:
            raise StoreError("CORRUPT_ROW", "an exact column holds no number") from None


def micros(at: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def optional_micros(at: datetime | None) -> int | None:
    """Return ``micros`` of an instant, None for none."""
    return None if at is None else micros(at)


def instant_at(value: int) -> datetime:
    """Return the instant, aware, UTC, of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def optional_instant_at(value: int | None) -> datetime | None:
    """Return ``instant_at`` of a value, None for none."""
    return None if value is None else instant_at(value)


def length_micros(length: timedelta) -> int:
    """Return a length as whole microseconds."""
    return length // _MICROSECOND


def length_of(value: int) -> timedelta:
    """Return the length of whole microseconds."""
    return timedelta(microseconds=value)
