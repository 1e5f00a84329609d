"""A small server that takes subscriptions, and a session that is notified by hand."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import encode
from tests.sep2_world import FLAVOUR, ORIGIN, Posted, Server, World, listing, utility

URL = "https://gateway.example:8445/apex"
MINUTE = timedelta(minutes=1)
LISTS = ("/edev", "/edev/1/fsa", "/derp", "/derp/1/derc", "/dr", "/dr/1/edc", "/derp/1/dderc")
SUB = "/edev/1/sub"


def subscribable(**others: object) -> Server:
    """Make a server whose lists may be subscribed to, and that keeps subscriptions."""
    server = utility(**others)  # type: ignore[arg-type] # by name
    for href in LISTS:
        server.resources[href] = replace(server.resources[href], subscribable=1)  # type: ignore[call-arg] # each may be
    server.resources[SUB] = listing(sep.SubscriptionList, SUB)
    devices = server.resources["/edev"]
    assert isinstance(devices, sep.EndDeviceList)
    link = sep.ListLink(href=SUB, all=0)
    server.put("/edev", [replace(d, subscription_list_link=link) for d in devices.end_device])
    server.on_post = lambda posted: take(server, posted)
    return server


def subscriptions(server: Server) -> dict[str, str]:
    """Return what is subscribed to: resource -> address of the subscription."""
    found = server.resources[SUB]
    assert isinstance(found, sep.SubscriptionList)
    return {one.subscribed_resource: one.href or "" for one in found.subscription}


def take(server: Server, posted: Posted) -> tuple[int, str] | None:
    """Keep a subscription, or let one go."""
    found = server.resources.get(SUB)
    if not isinstance(found, sep.SubscriptionList) or not posted.href.startswith(SUB):
        return None
    if posted.method == "DELETE":
        server.put(SUB, [one for one in found.subscription if one.href != posted.href])
        return 204, ""
    told = posted.value
    assert isinstance(told, sep.Subscription)
    for one in found.subscription:
        if one.subscribed_resource == told.subscribed_resource:
            return 204, one.href or ""
    href = f"{SUB}/{len(server.posted)}"
    server.put(SUB, [*found.subscription, replace(told, href=href)])
    return 201, href


class Subscribed(World):
    """A world whose session has subscribed to everything."""

    def tell(self, place: str, *, partly: bool = False, **others: object) -> int:
        """Notify the session of a resource as it stands, or of less."""
        found: sep.Resource | None = self.server.resources[place]
        if "resource" in others:
            found = others.pop("resource")  # type: ignore[assignment] # a resource, or none
        elif found is not None:
            found = whole(found, partly=partly)
        told: dict[str, object] = {
            "subscribed_resource": place,
            "subscription_uri": ORIGIN + subscriptions(self.server).get(place, "/none"),
            "status": 0,
            "resource": found,
            **others,
        }
        return self.push("notification", encode(sep.Notification(**told), FLAVOUR))  # type: ignore[arg-type] # by name

    def asked_since(self, at: datetime, path: str) -> int:
        """Return how often an address was read after an instant."""
        return sum(
            1 for when, href in self.server.asked if when > at and href.split("?")[0] == path
        )


def whole(found: sep.Resource, *, partly: bool = False) -> sep.Resource:
    """Return a resource as a notification holds it."""
    names = [name for name in found.__dataclass_fields__ if isinstance(getattr(found, name), tuple)]
    if not names:
        return found
    members = getattr(found, names[0])
    part = members[:0] if partly else members
    return replace(found, **{names[0]: part, "all": len(members), "results": len(part)})


def subscribed(server: Server | None = None, **others: object) -> Subscribed:
    """Make a session, and let it subscribe to everything."""
    told: dict[str, object] = {"csip_aus": True, "pin": 111115, "notify_url": URL, **others}
    world = Subscribed(server or subscribable(), Sep2Options(**told))
    world.run(3 * MINUTE)
    return world
