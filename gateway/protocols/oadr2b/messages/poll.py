"""OadrPoll: a pull client asks what waits for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrPoll:
    """Ask for the next message in the queue (OpenADR 2.0b rule 500)."""

    ven_id: str
