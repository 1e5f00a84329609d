"""What an operator sees of subscriptions, and may do to them."""

from pydantic import BaseModel

from gateway.protocols.sep2.server.records import Delivery
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin.asked import Asked
from gateway.servers.sep2.notifier import Notifier


async def list_subscriptions(asked: Asked) -> BaseModel:
    """List subscriptions, how far their subscribers were told, and what became of the last attempts."""
    utility, lfdi = asked.utility, asked.query.get("lfdi", "")
    server = utility.desk.server
    waiting, notifier = server.subscribers.watch.waiting, utility.notifier
    found = [one for one in server.book.deliveries if lfdi in {"", one.owner}]
    counts = notifier.counts if notifier is not None else {}
    return d.SubscriptionsDocument(
        items=tuple(_shown(one, one.subscription in waiting, notifier) for one in found),
        delivered=counts.get("delivered", 0),
        failed=counts.get("failed", 0),
        refused=counts.get("refused", 0),
        dropped=counts.get("dropped", 0),
    )


def _shown(one: Delivery, pending: bool, notifier: Notifier | None) -> d.SubscriptionDocument:  # noqa: FBT001 - a fact of the document
    result = notifier.results.get(one.subscription) if notifier is not None else None
    return d.SubscriptionDocument(
        href=one.subscription,
        lfdi=one.owner,
        resource=one.resource,
        notification_uri=one.uri,
        renewed_at=one.renewed_at,
        pending=pending,
        ending=one.ending or None,
        failing_since=one.failing_since,
        failures=result.failures if result is not None else 0,
        last_result=result.word if result is not None else None,
        last_at=result.at if result is not None else None,
    )


async def end_subscription(asked: Asked) -> BaseModel:
    """End a subscription; its subscriber is told."""
    body: d.EndBody = asked.body
    subscribers = asked.utility.desk.server.subscribers
    turn = await asked.utility.desk.open(
        lambda now: subscribers.end(body.href, now, body.status, body.new_resource or "")
    )
    return d.Done(name=turn.told)
