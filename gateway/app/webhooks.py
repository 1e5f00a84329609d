"""Configured endpoints -> couriers: each with its own secrets, rules and anchors."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from gateway.config.effective import shown_url
from gateway.config.endpoints import target_rules
from gateway.config.load import Loaded
from gateway.config.settings import SiteSection, WebhookSection
from gateway.domain.names import SiteId
from gateway.domain.ports import Chance, Ids
from gateway.pipeline.book import Office
from gateway.pipeline.desk import Fence
from gateway.pipeline.records import OutboxItem
from gateway.southbound.bells import Bells
from gateway.southbound.webhook.asking import Sender
from gateway.southbound.webhook.counts import Counts
from gateway.southbound.webhook.courier import Courier, Ports
from gateway.southbound.webhook.desk import WebhookDesk
from gateway.southbound.webhook.line import Spot
from gateway.southbound.webhook.signing import read_secrets
from gateway.transport.outward import Outward, outward_context
from gateway.transport.tls import refuse_test_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What couriers share with the rest of a running gateway, beside the office."""

    ids: Ids
    chance: Chance
    registry: CollectorRegistry
    fence: Fence | None
    open: Callable[[SiteId], bool]
    delivered: Callable[[OutboxItem, str], None]


def make_webhooks(
    loaded: Loaded,
    office: Office,
    bells: Bells,
    around: Around,
) -> WebhookDesk:
    """Make a courier per endpoint; the secrets are read here and live in its memory only.

    Raises:
        ConfigError: a secret cannot be used, or may be read by others.
        IdentityError: ``TEST_CERTIFICATE`` outside test mode.
    """
    ports = Ports(
        store=office.store,
        clock=office.clock,
        bells=bells,
        ids=around.ids,
        chance=around.chance,
        counts=Counts(around.registry),
        source=office.book.source,
        watch=office.watch,
        fence=around.fence,
        open=around.open,
        delivered=around.delivered,
    )
    couriers = {
        (SiteId(site.id), section.name): _courier(loaded, site, section, ports)
        for site in loaded.settings.site
        for section in site.webhook
    }
    return WebhookDesk(ports, couriers)


def _courier(loaded: Loaded, site: SiteSection, section: WebhookSection, ports: Ports) -> Courier:
    southbound = loaded.settings.southbound
    ca = loaded.path(section.ca) if section.ca else None
    if ca is not None and not loaded.settings.gateway.test_mode:
        refuse_test_files((ca,))
    outward = Outward(ports.clock, target_rules(section, southbound), tls=outward_context(ca))
    sender = Sender(
        outward=outward,
        url=section.url,
        origin=southbound.webhook_origin,
        secrets=read_secrets([loaded.path(path) for path in section.secrets]),
        fence=ports.fence,
    )
    spot = Spot(site=SiteId(site.id), name=section.name, url=shown_url(section.url))
    return Courier(spot, sender, ports)
