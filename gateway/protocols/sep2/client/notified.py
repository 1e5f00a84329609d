"""Notifications: whether they are ours, and what they change.

Who sends one, the listener has judged by its certificate. Here it is compared with our subscriptions; what it brings
counts as though it had been polled, unless it may be old, or is not all there is: then it is a hint to look.

Spec: IEEE 2030.5-2018 clause 8.9, Notification; CSIP CORE-018, CORE-019, ERR-002 (400 for one that does not match).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.errors import WireError
from gateway.protocols.actions import Message, Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.fresh import Verdict, judge
from gateway.protocols.sep2.client.links import members_of
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.subscriptions import Subscriptions
from gateway.protocols.sep2.codec import Decoded, decode

NOTIFICATION: Final = "notification"
"""Name of the service by which notifications reach the session."""
_BAD: Final = 400
_UNKNOWN: Final = 404
_LATER: Final = 503
_ENDED: Final = range(1, 5)
_MOVED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a notification."""

    status: int
    """Of the answer."""
    changes: Sequence[Change] = ()
    """News of the mirror."""
    notes: tuple[Note, ...] = ()


@dataclass(slots=True, kw_only=True)
class Notified:
    """Takes notifications of one server.

    Args:
        setting: The utility.
        mirror: What is known of the server.
        subscriptions: Ours.
    """

    setting: Setting
    mirror: Mirror
    subscriptions: Subscriptions

    def take(self, message: Message, now: datetime) -> Taken:
        """Take one notification, and say how it is answered.

        Returns:
            With status 201 or 204; 400 when it cannot be read, or is not what was subscribed to; 404 when it is of no
            subscription of ours, upon which a server drops it; 503 before we know what we are subscribed to.
        """
        old = self.setting.options.old_namespace
        try:
            found = decode(message.body, sep.Notification, old_namespace=old)
        except WireError as error:
            return _refused(_BAD, error.reason)
        told = found.value
        href = self.subscriptions.resource_of(told.subscription_uri, told.subscribed_resource)
        if href is None:
            return _refused(_UNKNOWN, "UNKNOWN_SUBSCRIPTION")
        if not href:
            return _refused(_LATER, "NOT_SYNCHRONISED")
        if told.status in _ENDED:
            return self._ended(href, told, now)
        return self._told(href, found, message, now)

    def _ended(self, href: str, told: sep.Notification, now: datetime) -> Taken:
        self.subscriptions.end(href, told.status, self.mirror, now)
        if told.status == _MOVED:
            self.mirror.ask_soon(self.mirror.root, now)
        return self._fine()

    def _told(
        self, href: str, found: Decoded[sep.Notification], message: Message, now: datetime
    ) -> Taken:
        node, resource = self.mirror.nodes.get(href), found.value.resource
        if node is not None and resource is not None and type(resource) is not node.kind:
            return _refused(_BAD, "WRONG_RESOURCE")
        self.subscriptions.heard(href, self.mirror, now)
        if node is None or resource is None or found.unreadable:
            self.subscriptions.hint(href, self.mirror, now)
            return self._fine()
        return self._compared(node, resource, message, now)

    def _compared(
        self, node: Node, resource: sep.Resource, message: Message, now: datetime
    ) -> Taken:
        members = [member for member in members_of(resource) if self.mirror.ours(member)]
        verdict = judge(node, resource, members, self.setting.clock.seconds(now))
        changes: Sequence[Change] = ()
        if verdict in {Verdict.NEWER, Verdict.NEWER_IF_TRUE}:
            changes = self.mirror.told(node.href, resource, now)
            if changes:
                self.setting.remember(node.href, message, now)
            else:  # it is being read: once more, then
                verdict = Verdict.DOUBTFUL
        if verdict in {Verdict.NEWER_IF_TRUE, Verdict.DOUBTFUL}:
            self.subscriptions.hint(node.href, self.mirror, now)
        return self._fine(changes)

    def _fine(self, changes: Sequence[Change] = ()) -> Taken:
        return Taken(status=self.setting.options.notification_answer, changes=changes)


def _refused(status: int, why: str) -> Taken:
    note = Note(word="notification_refused", fields={"status": str(status), "reason": why})
    return Taken(status=status, notes=(note,))
