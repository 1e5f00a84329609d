"""``gridgate explain``: every leaf of the utility's message, and where it went."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import typer

from gateway.app.access import looking
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE
from gateway.cli.table import COLUMNS, SHORT_ID, cut, cut_left, local, shown
from gateway.config.load import Loaded, load
from gateway.domain.errors import SessionError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName
from gateway.domain.protocol import SEP2_FAMILY, ProtocolName
from gateway.domain.timespan import instant_text
from gateway.pipeline.ports import Work
from gateway.protocols.leaf import ARCHIVE, AccountedLeaf
from gateway.protocols.oadr2b.account import account
from gateway.protocols.sep2.account import account as account_sep2
from gateway.protocols.xml import leaves

ACCOUNTS: Final[dict[ProtocolName, Callable[[bytes, GridEvent], tuple[AccountedLeaf, ...]]]] = {
    ProtocolName.OADR20B: account,
    **dict.fromkeys(SEP2_FAMILY, account_sep2),
}
"""Protocol -> who can say where the leaves of its messages went."""


class Fate(StrEnum):
    """What became of a leaf."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    """No field holds it; it is kept by its path in the event's ``unmapped``."""
    SYNTAX = "syntax"
    """It belongs to the message's own syntax and is kept in the archived bytes alone."""
    ELSEWHERE = "elsewhere"
    """It belongs to another event of the same message and is accounted for there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One leaf of the message."""

    path: str
    value: str
    field: str | None
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One event and the message that it came in."""

    event: GridEvent
    raw: RawMessage
    intents: tuple[IntentId, ...]
    traced: tuple[Traced, ...]

    @property
    def counts(self) -> Counter[Fate]:
        """How many leaves met which fate."""
        return Counter(leaf.fate for leaf in self.traced)


def explain(config: Path, subject: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Explain an event by its id, or by the id (or its first eight characters) of an intent that it made.

    An event id that several utilities use is explained once for each.

    Raises:
        SessionError: ``NOT_FOUND``, ``AMBIGUOUS`` for too short an id, ``NO_ACCOUNT`` for a protocol without one.
        ConfigError: the file has faults.
        StoreError: there is no store, or it cannot be read.
        WireError: the archived message cannot be read any more.
    """
    loaded = load(config)
    stories = [_traced(*found) for found in finish(_found(loaded, subject))]
    test_mode = loaded.settings.gateway.test_mode
    if as_json:
        document = {
            "subject": subject,
            "test_mode": test_mode,
            "events": [*map(_document, stories)],
        }
        typer.echo(json.dumps(document, indent=2))
        return Exit.OK
    zone = loaded.settings.gateway.timezone
    lines = [TEST_LINE] if test_mode else []
    for story in stories:
        lines += _lines(story, zone)
    typer.echo("\n".join(lines))
    return Exit.OK


Found = tuple[GridEvent, RawMessage, tuple[IntentId, ...]]


async def _found(loaded: Loaded, subject: str) -> list[Found]:
    def job(work: Work) -> list[Found]:
        keys = [
            EventKey(utility=UtilityName(utility.name), event_id=EventId(subject))
            for utility in loaded.settings.utility
        ]
        found = [one for key in keys if (one := _of_event(work, key))]
        if found:
            return found
        one = _of_event(work, _event_of_intent(work, loaded, subject))
        return [one] if one else []

    async with looking(loaded) as store:
        found = await store.read(job)
    if not found:
        raise _unknown(subject)
    return found


def _of_event(work: Work, key: EventKey) -> Found | None:
    event = work.events.newest(key)
    raw = work.events.raw(event.raw_sha256) if event else None
    if event is None or raw is None:
        return None
    intents = tuple(IntentId(record.intent.id) for record in work.intents.of_event(key))
    return event, raw, intents


def _event_of_intent(work: Work, loaded: Loaded, subject: str) -> EventKey:
    """Find the event behind an intent, by its id or by the beginning that tables show."""
    record = work.intents.get(IntentId(subject))
    if record is not None:
        return record.event
    keys = {
        record.intent.id: record.event
        for site in loaded.settings.site
        for record in work.intents.of_site(SiteId(site.id), live=False)
        if len(subject) >= SHORT_ID and record.intent.id.startswith(subject)
    }
    if len(set(keys.values())) > 1:
        raise SessionError("AMBIGUOUS", f"{len(keys)} intents begin with it: {', '.join(keys)}")
    if not keys:
        raise _unknown(subject)
    return next(iter(keys.values()))


def _unknown(subject: str) -> SessionError:
    detail = f"no event and no intent has the id {cut(shown(subject), 80)}; `gridgate intents` lists them"
    return SessionError("NOT_FOUND", detail)


def _traced(event: GridEvent, raw: RawMessage, intents: tuple[IntentId, ...]) -> Story:
    accounted_for = ACCOUNTS.get(event.protocol)
    if accounted_for is None:
        raise SessionError("NO_ACCOUNT", f"messages of {event.protocol} cannot be explained yet")
    known = {leaf.path: leaf for leaf in accounted_for(raw.body, event)}
    # The account speaks of one event; what belongs to its neighbours in the message is listed all the same.
    traced = tuple(_trace(leaf.path, leaf.value, known.get(leaf.path)) for leaf in leaves(raw.body))
    return Story(event=event, raw=raw, intents=intents, traced=traced)


def _trace(path: str, value: str, found: AccountedLeaf | None) -> Traced:
    if found is None:
        return Traced(path=path, value=value, field=None, fate=Fate.ELSEWHERE)
    fate = Fate.SYNTAX if found.field == ARCHIVE else Fate.MAPPED
    return Traced(
        path=path,
        value=value,
        field=found.field,
        fate=Fate.UNMAPPED if found.field is None else fate,
    )


def _document(story: Story) -> dict[str, object]:
    event, raw = story.event, story.raw
    return {
        "utility": event.utility,
        "protocol": event.protocol.value,
        "event_id": event.event_id,
        "version": event.version,
        "program": event.program,
        "cancelled": event.cancelled_at is not None,
        "intents": list(story.intents),
        "message": {
            "sha256": raw.sha256,
            "media_type": raw.media_type,
            "bytes": len(raw.body),
            "peer": raw.peer,
            "received_at": instant_text(raw.received_at),
            "signature_verified": raw.signature_verified,
        },
        "leaves": [
            {"path": leaf.path, "value": leaf.value, "field": leaf.field, "fate": leaf.fate.value}
            for leaf in story.traced
        ],
        "counts": {
            "leaves": len(story.traced),
            **{fate.value: story.counts[fate] for fate in Fate},
        },
    }


def _lines(story: Story, zone: str) -> list[str]:
    event, raw = story.event, story.raw
    cancelled = ", cancelled" if event.cancelled_at else ""
    root = _common([leaf.path for leaf in story.traced])
    return [
        cut(f"event {shown(event.event_id)} version {event.version}{cancelled}", COLUMNS),
        cut(f"of utility {event.utility}, program {shown(event.program)}", COLUMNS),
        cut(f"intents {' '.join(name[:SHORT_ID] for name in story.intents) or 'none'}", COLUMNS),
        f"message of {len(raw.body)} bytes, received {local(raw.received_at, zone)}",
        f"sha256 {raw.sha256}",
        cut(f"paths below {root}", COLUMNS),
        "",
        *(line for leaf in story.traced for line in _leaf_lines(leaf, root)),
        "",
        _counted(story),
    ]


def _common(paths: Sequence[str]) -> str:
    """Return the steps that all paths begin with."""
    steps = [path.split("/")[:-1] for path in paths]
    shared = []
    for level in zip(*steps, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared) or "the root"


_WORDS: Final = {
    Fate.UNMAPPED: "unmapped (kept by its path)",
    Fate.SYNTAX: "syntax (kept in raw.body)",
    Fate.ELSEWHERE: "another event of this message",
}


def _leaf_lines(leaf: Traced, root: str) -> tuple[str, str]:
    path = shown(leaf.path.removeprefix(f"{root}/"))
    value = shown(leaf.value) or "(empty)"
    head = cut_left(path, COLUMNS - min(len(value), 24) - 3)
    return (
        f"{head} = {cut(value, COLUMNS - len(head) - 3)}",
        f"    -> {cut(_WORDS.get(leaf.fate) or shown(leaf.field or ''), COLUMNS - 7)}",
    )


def _counted(story: Story) -> str:
    counts = story.counts
    parts = [
        f"{counts[Fate.MAPPED]} mapped",
        f"{counts[Fate.UNMAPPED]} unmapped",
        f"{counts[Fate.SYNTAX]} syntax",
    ]
    if counts[Fate.ELSEWHERE]:
        parts.append(f"{counts[Fate.ELSEWHERE]} of other events")
    return f"{len(story.traced)} leaves: {', '.join(parts)}"
