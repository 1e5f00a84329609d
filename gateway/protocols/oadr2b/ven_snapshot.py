"""The VEN's state as canonical JSON and back."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.oadr2b.ven_state import VenState

FORMAT: Final = 1
LARGEST: Final = 256 * 1024 * 1024
_STATE: Final = TypeAdapter(VenState)


def write_state(state: VenState) -> bytes:
    """Return a state as canonical JSON."""
    return canonical({"format": FORMAT, "state": _STATE.dump_python(state, mode="json")})


def read_state(document: bytes) -> VenState:
    """Read what ``write_state`` wrote.

    Raises:
        MisuseError: ``STATE_FORMAT`` when it is another format, or broken.
    """
    try:
        found = read_json(document, largest=LARGEST)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise MisuseError("STATE_FORMAT", f"the stored session state must have format {FORMAT}")
        return _STATE.validate_python(found["state"])
    except (WireError, ValidationError, KeyError) as error:
        detail = f"the stored session state cannot be read: {type(error).__name__}"
        raise MisuseError("STATE_FORMAT", detail) from None
