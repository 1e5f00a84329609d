"""What a lab tells the reference server before it starts."""

import ssl
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reference server."""

    port: int = 0
    """On loopback; 0 for any free one."""
    server_tls: ssl.SSLContext | None = None
    """None: plain HTTP, on loopback only; nobody has an identity there."""
    client_tls: ssl.SSLContext | None = None
    """For the endpoints of subscribers."""
    csip_aus: bool = True
    in_band: bool = True
    """Clients may register EndDevices themselves."""
    pin: int = 111115
    """Of who registers itself."""
    longest_pause: timedelta = timedelta(minutes=1)
    """Between two tries of one notification."""
    timeout_s: float = 30.0
