"""Expressions over PICS items: ``VEN-PUSH and not (REP-HISTORY or TLS = RSA)``.

An item alone holds when it is supported; ``ITEM = value`` when the value is among those given for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from conformance.engine.errors import SuiteError

_TOKEN: Final = re.compile(r"\s*(?:(\(|\)|=)|([A-Za-z0-9_.\-]+))")
_DEEPEST: Final = 32
Support = Mapping[str, Sequence[str] | None]
"""Item -> its values where it is supported, None where it is not."""
Test = Callable[[Support], bool]


def compiled(text: str, known: Callable[[str], bool] = lambda _: True) -> Test:
    """Compile an expression; an empty one always holds.

    Args:
        text: The expression.
        known: Says whether there is such an item.

    Raises:
        SuiteError: it cannot be read, or names an unknown item.
    """
    if not text.strip():
        return lambda _: True
    return _Reader(text, known).whole()


class _Reader:
    def __init__(self, text: str, known: Callable[[str], bool]) -> None:
        self._text = text
        self._known = known
        self._tokens = self._cut(text)

    def _cut(self, text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._fault(f"cannot read {text[at:].strip()[:20]!r}")
            tokens.append(found.group(1) or found.group(2))
            at = found.end()
        return tokens

    def whole(self) -> Test:
        found = self._either(0)
        if self._tokens:
            raise self._fault(f"{self._tokens[0]!r} is too much")
        return found

    def _either(self, depth: int) -> Test:
        terms = [self._both(depth)]
        while self._take("or"):
            terms.append(self._both(depth))
        return lambda given: any(term(given) for term in terms)

    def _both(self, depth: int) -> Test:
        terms = [self._one(depth)]
        while self._take("and"):
            terms.append(self._one(depth))
        return lambda given: all(term(given) for term in terms)

    def _one(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise self._fault("nested too deeply")
        if self._take("not"):
            inner = self._one(depth + 1)
            return lambda given: not inner(given)
        if self._take("("):
            inner = self._either(depth + 1)
            if not self._take(")"):
                raise self._fault("a ) is missing")
            return inner
        return self._item()

    def _item(self) -> Test:
        name = self._name()
        if not self._known(name):
            raise self._fault(f"there is no item {name}")
        if not self._take("="):
            return lambda given: given.get(name) is not None
        value = self._name()
        return lambda given: value in (given.get(name) or ())

    def _name(self) -> str:
        if not self._tokens or self._tokens[0] in ("(", ")", "=", "and", "or", "not"):
            raise self._fault("an item is missing")
        return self._tokens.pop(0)

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _fault(self, what: str) -> SuiteError:
        return SuiteError(f"expression {self._text!r}: {what}")
