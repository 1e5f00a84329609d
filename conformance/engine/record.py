"""Names in the record of a run: its files, and the marks that bound a case; for who writes and who judges it."""

from typing import Final

HISTORY: Final = "history.jsonl"
BODIES: Final = "bodies"
TLS: Final = "tls"
BEGIN: Final = "case.begin"
END: Final = "case.end"
