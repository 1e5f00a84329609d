"""What a lab tells the reference VTN before it starts."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

BASE_PATH: Final = "/OpenADR2/Simple/2.0b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reference VTN."""

    vtn_id: str = "reference-vtn"
    port: int = 0
    """On loopback; 0 for any free one."""
    server_tls: ssl.SSLContext | None = None
    """None: plain HTTP, on loopback only."""
    client_tls: ssl.SSLContext | None = None
    """For the endpoints of push VENs."""
    poll: timedelta = timedelta(seconds=10)
    pre_allocated: tuple[str, ...] = ()
    """venIDs given out beforehand."""
    refuse_overlap: bool = False
    """Refuse to announce events of one market context that overlap (rule 18)."""
    resource: str = "reference-grid"
    load_w: int = 5_000_000
    """What the made-up grid draws; every reported value is simulated."""
    longest_pause: timedelta = timedelta(minutes=1)
    """Between two tries of one pushed message."""
    timeout_s: float = 30.0
