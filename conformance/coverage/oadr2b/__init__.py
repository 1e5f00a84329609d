"""The book of OpenADR 2.0b: rules and sections of the profile specification, cases that public material shows."""

from pathlib import Path
from typing import Final

from conformance.coverage.book import Book
from conformance.coverage.oadr2b.citing import cited

OADR2B: Final = Book(
    at=Path(__file__).parent,
    readme=Path("gateway/protocols/oadr2b/README.md"),
    code=("gateway/protocols/oadr2b", "gateway/servers/vtn2b", "conformance/peers"),
    names=cited,
    cites=cited,
    concerns=lambda marker: "2.0b" in marker,
    gathered=("case ", "general "),
)
