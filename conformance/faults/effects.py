"""What the main job has brought about, as a bag of effects: two runs of one story are the same or they are not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from conformance.faults.world import SITES, UTILITY, World
from gateway.pipeline.ports import Work
from gateway.settlement.records import logged

_STORY: Final = (
    "event",
    "opt",
    "telemetry",
    "progress",
    "completion",
    "settlement",
    "vee",
    "intent",
)

Bag = Counter[str]


async def effects(world: World) -> Bag:
    """Return every effect: told upstream, written down, sent to sites, settled, and what stands at the end."""
    bag = Bag(
        f"upstream: {a.event_id} v{a.version} {a.opt.value} {a.code} {a.description}"
        for a in world.utility.answers
    )
    return bag + await world.office.store.read(lambda work: Bag(_stored(work)))


def _stored(work: Work) -> Iterator[str]:
    for entry in work.log.entries(kinds=_STORY):
        document = logged(entry.index, entry.record).document
        yield f"log: {entry.kind} {entry.subject} {_essence(document)}"
    for site in SITES:
        for record in work.intents.of_site(site, live=False):
            intent = record.intent
            yield (
                f"intent: {record.event.event_id} {site} v{record.version} {intent.status.value}"
                f" {record.opt} {record.opt_reason} acked {record.acked_revision == intent.revision}"
            )
        for item in work.outbox.after(site, 0, 10_000, "intent"):
            yield f"sent: {site} {item.subject} {item.revision}"
        plan = work.plans.get(site)
        yield f"plan: {site} {[str(s.import_max_kw) for s in plan.segments] if plan else None}"
    for statement in work.statements.of_site(None):
        yield f"statement: {statement.id} v{statement.version} {statement.totals.payment}"
    for answer in work.participations.pending(UTILITY):
        yield f"untold: {answer.event.event_id} v{answer.version} {answer.opt.value}"


def _essence(document: Mapping[str, object]) -> str:
    """Return what a record says, without the instants at which it came about."""
    match document:
        case {"batch": {"batch_id": batch}}:
            return str(batch)
        case {"statement": {"id": name, "version": version, "totals": totals}}:
            return f"{name} v{version} {totals}"
        case _:
            told = ("cause", "revision", "opt", "reason", "status", "version", "cancelled", "seen")
            found = [f"{key}={document[key]}" for key in told if key in document]
            answer = document.get("answer")
            if isinstance(answer, Mapping):
                found.append(
                    f"answer {answer['revision']} {answer.get('opt', answer.get('state'))}"
                )
            return " ".join(found)
