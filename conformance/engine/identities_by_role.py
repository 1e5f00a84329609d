"""Which kind of TLS identities a run needs, by the role of the device."""

from datetime import datetime
from pathlib import Path
from typing import Final

from conformance.engine import identities, identities_sep2
from conformance.engine.identities import Identities

CLIENT: Final = "cli"
"""Role of a 2030.5 client."""
SERVER: Final = "srv"
"""Role of a 2030.5 server."""


def made_for(now: datetime, role: str) -> Identities:
    """Make a test PKI for a run.

    Args:
        now: Of certificates that end.
        role: Of the device.
    """
    if role == CLIENT:
        return identities_sep2.made_for_run()
    if role == SERVER:
        return identities_sep2.made_for_server()
    return identities.made_for_run(now, role)


def read_for(role: str, certificate: Path, key: Path, ca: Path, profile: str) -> Identities:
    """Read a laboratory's identity of the suite.

    Raises:
        SuiteError: a file cannot be read, or the profile is none of the role's.
    """
    reads = {CLIENT: identities_sep2.from_files, SERVER: identities_sep2.clients_from_files}
    return reads.get(role, identities.from_files)(certificate, key, ca, profile)
