"""What a scripted peer says instead of its usual answer."""

from collections.abc import Callable
from dataclasses import dataclass

from conformance.kit.xml import Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the scripted peer says instead of its usual answer.

    Made by ``status``, ``raw``, ``says``, ``edits`` and ``struck``.
    """

    wrong: str
    """In what it is wrong, for the record; empty: it is a right answer, only not the usual one."""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    """Replace or follow the usual headers."""
    body: bytes | None = None
    element: Element | None = None
    """Message, put into a payload of its own."""
    edit: Callable[[Element], None] | None = None
    """Changes the usual answer in place; takes the message inside ``oadrSignedObject``."""
    fault: str = ""
    """Name of a fault, perhaps with an amount: ``reset_mid``, ``delay=20``."""


def status(code: int, *headers: tuple[str, str], wrong: str = "an error status") -> Reply:
    """Answer with a status and no body."""
    return Reply(status=code, headers=headers, body=b"", wrong=wrong)


def raw(body: bytes, *headers: tuple[str, str], wrong: str) -> Reply:
    """Answer with exactly these bytes."""
    return Reply(body=body, headers=headers, wrong=wrong)


def says(element: Element, *, wrong: str = "") -> Reply:
    """Answer with a message of one's own making (``kit.oadr20b.build``)."""
    return Reply(element=element, wrong=wrong)


def edits(change: Callable[[Element], None], *, wrong: str) -> Reply:
    """Answer as usual, changed in one place."""
    return Reply(edit=change, wrong=wrong)


def struck(fault: str) -> Reply:
    """Answer as usual and have a fault strike it."""
    return Reply(fault=fault, wrong="")
