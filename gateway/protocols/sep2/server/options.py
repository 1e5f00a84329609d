"""What may differ between utilities."""

from dataclasses import dataclass
from typing import Final

from gateway.protocols.sep2.identity import PenEncoding
from gateway.protocols.sep2.tables import Edition, Flavour

IEEE_PEN: Final = 40732
"""Private enterprise number of IEEE 2030.5."""
CSIP_AUS: Final = Flavour(edition=Edition.Y2018, csip_aus=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """One utility.

    Rates are in seconds; an operator may set those of single resources otherwise.
    """

    flavour: Flavour = CSIP_AUS
    old_namespace: bool = False
    """Take documents of 2013 too; who writes them is answered in them."""
    old_answers: bool = False
    """With ``old_namespace``: whoever has not written yet is answered in documents of 2013 too."""
    in_band: bool = False
    """A client may register by POSTing its EndDevice; else an operator does it (CSIP)."""
    merge_duplicates: bool = False
    """A second EndDevice of one LFDI is answered with the Location of the first, as older servers do; else 409."""
    pen: int = IEEE_PEN
    pen_encoding: PenEncoding = PenEncoding.DECIMAL
    poll_rate: int = 300
    """Of DeviceCapability, Time, EndDeviceList, assignments."""
    event_poll_rate: int = 60
    """Of programs and mirrors."""
    post_rate: int = 300
    """Of a MirrorUsagePoint."""
    response_required: int = 3
    """Of events, unless the operator says otherwise: receipt and course."""
    most_members: int = 500
    """In one answer, whatever ``l`` says."""
    most_mirrors: int = 100
    """Of one device."""
    most_posts: int = 1000
    """Responses, and log events, of one device that stay readable; the oldest go first."""
    subscriptions: bool = True
    """Resources may be subscribed to: lists say so, and a device finds the list of its subscriptions."""
    notify_hosts: frozenset[str] = frozenset()
    """Hosts to which notifications may go, in lower case; empty: any, as far as whoever sends them allows."""
    most_subscriptions: int = 20_000
    """Of one subscriber: an aggregator has a few for each of its devices."""
    most_alike: int = 8
    """Of one subscriber to one resource, with different addresses for its notifications."""
    most_endpoints: int = 4
    """Hosts and ports that the notifications of one subscriber go to, so that nobody has us flood others."""
    silent_after: int = 86_400
    """Seconds after which a subscription ends to which nothing could be delivered, and which nobody renewed."""
    grants_reservations: bool = False
    """Requests for flow are granted at once as they are asked for; else an operator answers them."""
    tz_offset: int = 0
    """Seconds, of Time."""
    quality: int = 4
    """Of Time: from a source with an authoritative one."""
