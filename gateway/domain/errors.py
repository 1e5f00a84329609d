"""Everything that can go wrong, whose fault it is, and what follows.

    GatewayError
    +- WireError        the peer sent bytes that are no message   answer, keep the session, count
    +- SessionError     the peer sent a message out of turn       answer, keep the session
    +- SignalError      nobody: we cannot do what is asked        opt out with the reason
    +- IdentityError    the peer is not who it must be            refuse, audit, tell the peer nothing
    +- MisuseError      we did something that is not allowed      stop that task
    +- TransportError   the network                               back off, keep state
    +- DeliveryError    the site                                  retry to the deadline, then opt out
    +- MeterDataError   the site's meter data                     flag, estimate by rule, report quality
    +- StoreError       our store                                 admit nothing more, answer busy
    |  +- FencedError   another gateway on a copy of our store    stop, alarm, write nothing more
    +- ConfigError      the operator                              refuse to start, list all faults

``reason`` is a stable upper-case word that tables map to wire codes; ``detail`` is a sentence for people.
Neither may hold a key, a token or a full identity.
"""

from datetime import timedelta
from typing import Final, TypeVar

E = TypeVar("E", bound=BaseException)

UNKNOWN_OUTCOME: Final = "UNKNOWN_OUTCOME"
"""Of a ``StoreError``: the transaction may have become durable, or may yet."""
_PASSING: Final = frozenset({"BUSY", "FULL", "NO_MEMORY", UNKNOWN_OUTCOME})


class GatewayError(Exception):
    """Base of the tree; never raised itself.

    Args:
        reason: Stable upper-case word, mapped to wire codes by each protocol.
        detail: One sentence that names what, where and the fix; free of secrets.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class WireError(GatewayError):
    """The peer sent bytes that are no valid message."""


class SessionError(GatewayError):
    """The peer sent a valid message that is not allowed now."""


class SignalError(GatewayError):
    """A valid request that this gateway or site cannot follow."""


class IdentityError(GatewayError):
    """The peer's certificate, token or id is not the expected one."""


class MisuseError(GatewayError):
    """Our own code asked for something that is not allowed."""


class TransportError(GatewayError):
    """The network failed: no connection, no answer in time, a broken answer.

    Args:
        reason: As above.
        detail: As above.
        retry_after: How long the peer asks to be left alone; None when it did not say.
    """

    def __init__(self, reason: str, detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class DeliveryError(GatewayError):
    """A site could not be reached or did not answer in time."""


class MeterDataError(GatewayError):
    """A site's meter data cannot be used as sent."""


class StoreError(GatewayError):
    """The store refused, failed or may not be trusted."""

    @property
    def passing(self) -> bool:
        """Say whether the same work may be tried again by and by; after others only a restart helps.

        Work is keyed: what an unknown attempt has done is found by the next one and not done twice (R-DUR-10).
        """
        return self.reason in _PASSING


class FencedError(StoreError):
    """Another gateway works on a copy of this store; this one must not go on."""


class Fault(str):
    """One sentence about what an operator gave us, "what; fix", that also knows its word and its place.

    Args:
        text: The whole sentence, place and key included.
        reason: Stable upper-case word.
        place: ``file:line``, empty when no file is involved.
        key: The key at that place.
    """

    reason: str
    place: str
    key: str
    __slots__ = ("key", "place", "reason")

    def __new__(cls, text: str, *, reason: str, place: str = "", key: str = "") -> "Fault":
        """Make one."""
        made = super().__new__(cls, text)
        made.reason, made.place, made.key = reason, place, key
        return made

    @property
    def what(self) -> str:
        """Return the sentence without its place."""
        head = f"{self.place}  " if self.place else ""
        return self.removeprefix(head).removeprefix(f"{self.key}: ")


class ConfigError(GatewayError):
    """The operator's configuration cannot be used; ``faults`` lists everything found.

    Args:
        faults: One sentence each, with file, line, key and the fix.
        reason: The word of those faults that have none of their own.
    """

    def __init__(self, faults: tuple[str, ...], reason: str = "CONFIG") -> None:
        super().__init__(reason, "\n".join(faults))
        self.faults = tuple(
            fault if isinstance(fault, Fault) else Fault(fault, reason=reason) for fault in faults
        )


def first_of(group: BaseExceptionGroup[BaseException], kind: type[E]) -> E | None:
    """Return the first error of a kind inside a group of failed tasks, None when there is none."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found = first_of(error, kind)
            if found is not None:
                return found
        elif isinstance(error, kind):
            return error
    return None
