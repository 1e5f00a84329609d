"""Who did what, when and why: the log read for an auditor, and what is written down for him alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from gateway.domain.canonical import canonical
from gateway.domain.timespan import instant
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.records import LogEntry
from gateway.settlement.records import logged

KINDS: Final = (
    "audit",
    "config",
    "delivery",
    "event",
    "intent",
    "late",
    "opt",
    "settlement",
    "token",
)
"""Kinds of record that an audit is about; telemetry and the sums over it belong to statements."""
SETTINGS: Final = "settings"
SIGNING: Final = "signing_key"
EPOCH: Final = "epoch"
MOST_LISTED: Final = 200
"""Changed settings that are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One record, as somebody asks for it."""

    index: int
    at: datetime
    kind: str
    subject: str
    """Event id, intent id, token name …"""
    who: str
    """``utility:<name>``, ``site:<id>``, ``operator:<name>`` or ``gateway``."""
    what: str
    why: str
    intent: str = ""
    event: str = ""
    """The utility's own id of the event."""


def acts(
    work: Work,
    *,
    since: datetime | None = None,
    subject: str | None = None,
    kinds: Sequence[str] = (),
) -> tuple[Act, ...]:
    """Return what happened, oldest first.

    Args:
        work: The open transaction.
        since: Logged at or after this.
        subject: An intent id, event id or token name; None: everything.
        kinds: Out of ``KINDS``, or a word of the kind ``audit`` such as ``guard``; empty: all.
    """
    return tuple(
        act_of(entry) for entry in selected(work, since=since, subject=subject, kinds=kinds)
    )


def selected(
    work: Work,
    *,
    since: datetime | None = None,
    subject: str | None = None,
    kinds: Sequence[str] = (),
) -> tuple[LogEntry, ...]:
    """Return the records that ``acts`` are made of."""
    known = [kind for kind in kinds if kind in KINDS]
    words = {kind for kind in kinds if kind not in KINDS}
    wanted = tuple(dict.fromkeys([*known, *(["audit"] if words else [])])) or KINDS
    found = work.log.entries(kinds=wanted, subject=subject, since=since)
    if not words:
        return found
    return tuple(
        entry
        for entry in found
        if entry.kind in known or logged(entry.index, entry.record).document.get("word") in words
    )


def act_of(entry: LogEntry) -> Act:
    """Read one record as an act."""
    document = logged(entry.index, entry.record).document
    who, what, why = _READ.get(entry.kind, _plain)(document)
    about_intent = entry.kind in {"intent", "opt", "delivery", "late", "settlement"}
    event = entry.subject if entry.kind == "event" else str(document.get("event_id", ""))
    return Act(
        index=entry.index,
        at=instant(str(document["t"])),
        kind=entry.kind,
        subject=entry.subject,
        who=who,
        what=what,
        why=why,
        intent=entry.subject if about_intent or document.get("word") == "guard" else "",
        event=event or _event_of(document),
    )


def _event_of(document: Mapping[str, object]) -> str:
    intent = document.get("intent")
    provenance = intent.get("provenance") if isinstance(intent, dict) else None
    source = provenance.get("source_ids") if isinstance(provenance, dict) else None
    return str(source.get("eventID", "")) if isinstance(source, dict) else ""


def _event(document: Mapping[str, object]) -> tuple[str, str, str]:
    version = document.get("version")
    what = "changed" if version else "received"
    what = "cancelled" if document.get("cancelled") else what
    return f"utility:{document.get('utility')}", what, f"version {version}, {document.get('seen')}"


def _intent(document: Mapping[str, object]) -> tuple[str, str, str]:
    cause = str(document.get("cause", ""))
    who = {"ack": "site", "progress": "site"}.get(cause, "gateway")
    return who, cause, f"{document.get('status')}"


def _opt(document: Mapping[str, object]) -> tuple[str, str, str]:
    answer = document.get("answer")
    if not isinstance(answer, dict):
        return "gateway", f"opt {document.get('opt')}", str(document.get("reason", ""))
    site = document.get("site")
    who = str(document.get("by") or (f"site:{site}" if site else "gateway"))
    return who, f"answered {answer.get('opt', 'out')}", str(answer.get("reason", ""))


def _delivery(document: Mapping[str, object]) -> tuple[str, str, str]:
    return "gateway", "delivered", f"revision {document.get('revision')}, {document.get('channel')}"


def _late(document: Mapping[str, object]) -> tuple[str, str, str]:
    return "gateway", "came late", f"batch of record {document.get('telemetry')}"


def _settlement(document: Mapping[str, object]) -> tuple[str, str, str]:
    statement = document.get("statement")
    if not isinstance(statement, dict):
        return _plain(document)
    correction = statement.get("correction")
    totals = statement.get("totals")
    paid = totals.get("payment") if isinstance(totals, dict) else None
    figure = f"version {document.get('version')}, {paid} {statement.get('currency')}"
    if not isinstance(correction, dict):
        return "gateway", "settled", figure
    return (
        "gateway",
        f"corrected version {correction.get('corrects')}",
        f"{figure}, {correction.get('reason')}",
    )


def _token(document: Mapping[str, object]) -> tuple[str, str, str]:
    return str(document.get("by", "operator")), str(document.get("word")), f"{document.get('site')}"


def _plain(document: Mapping[str, object]) -> tuple[str, str, str]:
    told = {
        k: v for k, v in document.items() if k not in _ENVELOPE and not isinstance(v, dict | list)
    }
    findings = document.get("findings")
    rules = (
        [str(f["rule"]) for f in findings if isinstance(f, dict)]
        if isinstance(findings, list)
        else []
    )
    changed = document.get("changed")
    names = [str(name) for name in changed] if isinstance(changed, list) else []
    shown = [*rules, *names] or [f"{name}={value}" for name, value in sorted(told.items())]
    return str(document.get("by", "gateway")), str(document.get("word", "agreed")), ", ".join(shown)


_ENVELOPE: Final = frozenset({"k", "t", "seq", "src", "sig", "kid", "word", "by"})
_READ: Final = {
    "event": _event,
    "intent": _intent,
    "opt": _opt,
    "delivery": _delivery,
    "late": _late,
    "settlement": _settlement,
    "token": _token,
}


def note_start(office: Office, work: Work, settings: Mapping[str, str]) -> None:
    """Write down at start what is not as it was: settings, the key that signs, the store's epoch after a restore.

    Args:
        office: Clock, signer and log key.
        work: The open transaction.
        settings: Effective ones, key -> text; they hold no secrets, only where those lie.
    """
    now = office.clock.now()
    _note(work, SETTINGS, _settings(work, settings), now)
    _note(work, SIGNING, {"kid": office.signer.kid}, now)
    identity = work.identity
    _note(work, EPOCH, {"epoch": identity.epoch, "store_id": identity.store_id}, now)


def _last(work: Work, subject: str) -> Mapping[str, object]:
    known = work.log.entries(kinds=("audit",), subject=subject)
    return logged(known[-1].index, known[-1].record).document if known else {}


def _note(work: Work, subject: str, facts: Mapping[str, object], now: datetime) -> None:
    last = _last(work, subject)
    key = "digest" if "digest" in facts else next(iter(facts))
    if last.get(key) != facts[key]:
        word = f"{subject}_changed" if last else subject
        work.log.append("audit", subject, {"word": word, **facts}, now)


def _settings(work: Work, settings: Mapping[str, str]) -> dict[str, object]:
    """Say by digest what the settings are and by name what changed; the values stand in the file."""
    digests = {name: sha256(value.encode()).hexdigest()[:16] for name, value in settings.items()}
    known = _last(work, SETTINGS).get("keys")
    before = known if isinstance(known, dict) else {}
    changed = sorted(n for n in {*digests, *before} if digests.get(n) != before.get(n))
    return {
        "digest": sha256(canonical(dict(settings))).hexdigest(),
        "keys": digests,
        "changed": changed[:MOST_LISTED] if before else [],
    }
