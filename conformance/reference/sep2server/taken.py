"""What became of a request that changes something."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out."""

    status: int
    """201 or 204."""
    location: str = ""
    """Where what was made, or found to be there, lies."""
