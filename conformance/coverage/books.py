"""All books, in the order in which they are written."""

from typing import Final

from conformance.coverage.book import Book
from conformance.coverage.oadr2b import OADR2B
from conformance.coverage.sep2 import SEP2

BOOKS: Final[tuple[Book, ...]] = (OADR2B, SEP2)
