"""Whether an event is for us: market context, target, device class.

Spec: OpenADR 2.0b rules 22, 48, 63, 111, 112, 512.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from gateway.domain.errors import SignalError
from gateway.domain.names import SiteId
from gateway.protocols.entry import ProgramTerms, Scope
from gateway.protocols.oadr2b.messages import EiEvent, EiTarget
from gateway.protocols.oadr2b.options import VenOptions

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def same_context(one: str, other: str) -> bool:
    """Say whether two market contexts are the same URI: scheme and host in any case (RFC 3986, 6.2.2)."""
    return one == other or _normal(one) == _normal(other)


def _normal(uri: str) -> str:
    try:
        parts = urlsplit(uri.strip())
    except ValueError:
        return uri
    host = parts.netloc.lower().removesuffix(f":{_DEFAULT_PORTS.get(parts.scheme, '')}")
    path = parts.path or ("/" if host else "")
    return urlunsplit((parts.scheme.lower(), host, path, parts.query, parts.fragment))


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who we are towards one VTN."""

    ven_id: str
    options: VenOptions
    programs: tuple[ProgramTerms, ...]

    @classmethod
    def of(cls, ven_id: str, options: VenOptions, scope: Scope) -> "Audience":
        """Build from the configuration and the venID that the VTN gave."""
        return cls(ven_id=ven_id, options=options, programs=scope.programs)

    def terms(self, event: EiEvent) -> ProgramTerms:
        """Find the program of an event.

        Raises:
            SignalError: ``TARGET_MISMATCH`` when we are not enrolled in its market context (rule 48).
        """
        context = event.event_descriptor.ei_market_context
        for program in self.programs:
            if same_context(program.name, context):
                return program
        raise SignalError("TARGET_MISMATCH", "this VEN is not enrolled in the market context")

    def sites(self, event: EiEvent, terms: ProgramTerms) -> tuple[SiteId, ...]:
        """Return the sites that the target names; empty: every site of the program.

        Reading: kinds of targets combine as a union, so a resourceID beside our venID narrows nothing unless
        ``resources_narrow`` says so.

        Raises:
            SignalError: ``TARGET_MISMATCH`` when nothing of it is ours.
        """
        target = event.ei_target
        if target.is_empty:
            return ()
        named = tuple(
            dict.fromkeys(
                site
                for resource in target.resource_ids
                if (site := self._site(resource)) in terms.sites
            )
        )
        if self._means_all(target) and not (self.options.resources_narrow and target.resource_ids):
            return ()
        if not named:
            raise SignalError("TARGET_MISMATCH", "no target of the event is this VEN's")
        return named

    def _site(self, resource: str) -> SiteId:
        resources: Mapping[str, str] = self.options.resources
        return SiteId(resources.get(resource, resource))

    def _means_all(self, target: EiTarget) -> bool:
        ours = self.options
        pairs = (
            (target.ven_ids, (self.ven_id,)),
            (target.group_ids, ours.groups),
            (target.group_names, ours.groups),
            (target.party_ids, ours.parties),
            (target.end_device_assets, ours.device_classes),
            (target.meter_assets, ours.places),
            (target.pnodes, ours.places),
            (target.aggregated_pnodes, ours.places),
            (target.service_delivery_points, ours.places),
        )
        return any(set(named) & set(mine) for named, mine in pairs)

    def check_device_class(self, target: EiTarget | None) -> None:
        """Refuse a signal for device classes that none of our sites is of (rules 111 and 112).

        Raises:
            SignalError: ``DEPLOYMENT`` (469).
        """
        if target is None or not target.end_device_assets:
            return
        if not set(target.end_device_assets) & set(self.options.device_classes):
            raise SignalError("DEPLOYMENT", "no site is of the device class that the signal is for")
