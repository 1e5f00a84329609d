"""Text from outside: bounded, and free of characters that stores and logs stumble over."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from gateway.domain.errors import WireError

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str, longest: int = 4096) -> str:
    """Return ``text`` unchanged when it is storable.

    Raises:
        WireError: ``INVALID_TEXT`` for U+0000, other control characters, lone surrogates, or too long a text.
    """
    if len(text) > longest:
        raise WireError("INVALID_TEXT", f"a text may have {longest} characters here")
    if _FORBIDDEN.search(text):
        raise WireError(
            "INVALID_TEXT", "control characters and lone surrogates are not allowed in text"
        )
    return text


def _clean_or_value_error(text: str) -> str:
    try:
        return clean(text)
    except WireError as error:
        raise ValueError(error.detail) from None


Text = Annotated[
    str, StringConstraints(strict=True, max_length=4096), AfterValidator(_clean_or_value_error)
]
"""Free text in published JSON."""
Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=256),
    AfterValidator(_clean_or_value_error),
]
"""A non-empty identifier in published JSON."""
