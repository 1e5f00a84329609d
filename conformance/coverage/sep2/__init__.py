"""The book of IEEE 2030.5: its clauses, the procedures of CSIP and those of CSIP-AUS."""

from pathlib import Path
from typing import Final

from conformance.coverage.book import Book
from conformance.coverage.sep2.citing import cited, named

SEP2: Final = Book(
    at=Path(__file__).parent,
    readme=Path("gateway/protocols/sep2/README.md"),
    code=(
        *("gateway/protocols/sep2", "gateway/servers/sep2", "gateway/northbound"),
        *("gateway/transport", "certs/sep2"),
    ),
    names=named,
    cites=cited,
    concerns=lambda marker: "2030.5" in marker or marker.startswith("CSIP"),
)
