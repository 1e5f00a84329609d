"""The first start on a restored store: sessions forget what they were about to say, the rest waits."""

from collections.abc import Callable, Mapping

from gateway.config.load import Loaded
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.points import Step
from gateway.domain.ports import Signer
from gateway.domain.signed import signed_part
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.recovery import Recovery
from gateway.protocols.registry import PROTOCOLS
from gateway.southbound.verify import verified
from gateway.store.sqlite_store import SqliteStore


async def begin_recovery(loaded: Loaded, office: Office, store: SqliteStore) -> Recovery:
    """Make the recovery of a gateway; one whose store was not restored holds nothing back.

    Raises:
        MisuseError: ``STATE_FORMAT`` when a session's state cannot be read.
    """
    if store.identity.recovering:
        await _drop_what_waited(loaded, office)
    return Recovery(
        office=office,
        sites=_sites(loaded),
        active=store.identity.recovering,
        on_end=store.end_recovery,
    )


def own_signature(signer: Signer) -> Callable[[Mapping[str, object]], bool]:
    """Make the judge of documents that this gateway has signed."""

    def recognise(document: Mapping[str, object]) -> bool:
        signature = document.get("signature")
        return isinstance(signature, str) and verified(
            signed_part(document), signature, signer.key_set()
        )

    return recognise


def _sites(loaded: Loaded) -> Mapping[UtilityName, frozenset[SiteId]]:
    found: dict[UtilityName, frozenset[SiteId]] = {}
    for section in loaded.settings.utility:
        programs = [p for p in loaded.settings.program if p.utility == section.name]
        found[UtilityName(section.name)] = frozenset(SiteId(s) for p in programs for s in p.sites)
    return found


async def _drop_what_waited(loaded: Loaded, office: Office) -> None:
    """Take answers and messages of before the restore off their way: something else may have been said since."""
    now = office.clock.now()

    def job(work: Work) -> None:
        for section in loaded.settings.utility:
            name = UtilityName(section.name)
            for waiting in work.participations.pending(name):
                work.participations.taken(waiting)
            state = work.sessions.state(name)
            if state is not None:
                work.sessions.put(name, PROTOCOLS[section.protocol].recover(state, now))

    await office.store.write(job, Step.OTHER)
