"""A session's state in parts, so that a turn costs what it changed: each part is a JSON document under a name.

The whole state is one JSON object, name -> document. A store keeps it as one row or as a row per part, never as both.
"""

from collections.abc import Mapping
from typing import TypeAlias

from gateway.domain.canonical import canonical

Changes: TypeAlias = Mapping[str, bytes | None]
"""Name -> the part as canonical JSON, or None where it is gone; what is not named stays as it is stored."""
State: TypeAlias = bytes | Changes
"""What a store is handed: a whole state, or what of it has changed."""


def joined(parts: Mapping[str, bytes]) -> bytes:
    """Return the parts of a state as the one object that they are.

    Args:
        parts: By name, in ASCII; no part is None.
    """
    members = (canonical(name) + b":" + parts[name] for name in sorted(parts))
    return b"{" + b",".join(members) + b"}"
