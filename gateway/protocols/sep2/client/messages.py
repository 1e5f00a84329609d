"""What of a server's text message can be shown to people.

Spec: IEEE 2030.5-2018 TextMessage: at least 100 bytes of UTF-8 are supported, longer texts may be cut.
"""

from typing import Final

LONGEST: Final = 4000
"""Characters; what is longer is cut."""
CUT: Final = " …"


def shown(text: str) -> str:
    """Return a text as it is shown: without control characters, not too long; empty when nothing of it can be seen."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * LONGEST])
    words = " ".join(seen.split())
    return words if len(words) <= LONGEST else words[:LONGEST] + CUT
