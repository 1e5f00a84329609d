"""Keeps secrets out of the evidence: each is replaced by a keyed hash, so that equality stays visible within a run."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

SHORTEST: Final = 6
"""Characters; what is shorter stands in too many places that mean nothing, and is hidden in the IXIT alone."""
_CREDENTIALS: Final = re.compile(
    rb"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*|(?:set-)?cookie[ \t]*:[ \t]*)([^\r\n]*)"
)


class Secrets:
    """Hides credentials of HTTP heads, and named values wherever they stand.

    Args:
        key: Of the hashes; kept nowhere.
        values: The secret values of an IXIT.
    """

    def __init__(self, key: bytes, values: Iterable[str] = ()) -> None:
        self._key = key
        forms = {
            form.encode(): value.encode()
            for value in values
            if len(value) >= SHORTEST
            for form in (value, escape(value), quote(value, safe=""))
        }
        self._values = forms
        found = b"|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._anywhere = re.compile(found) if forms else None

    def head(self, head: bytes) -> bytes:
        """Return a head without credentials and without secrets."""
        shown = _CREDENTIALS.sub(lambda found: found[1] + self._hash(found[2]), head)
        return self.anywhere(shown)

    def anywhere(self, data: bytes) -> bytes:
        """Return bytes without secrets."""
        if self._anywhere is None:
            return data
        return self._anywhere.sub(lambda found: self._hash(self._values[found[0]]), data)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._anywhere is None:
            return text
        hidden = self.anywhere(text.encode("utf-8", "surrogatepass"))
        return hidden.decode("utf-8", "surrogatepass")

    def _hash(self, secret: bytes) -> bytes:
        code = hmac.new(self._key, secret, hashlib.sha256).hexdigest()[:32]
        return b"keyed-" + code.encode()
