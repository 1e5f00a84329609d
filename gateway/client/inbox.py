"""What has arrived and what is to be made of it: compared, noted, handed to whoever reads it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import ValidationError

from gateway.client.notebook import PLAN, Notebook, Verdict
from gateway.client.notice import Notice, OnNotice
from gateway.domain.answers import Ack
from gateway.domain.canonical import canonical
from gateway.domain.doorbell import Doorbell
from gateway.domain.errors import MisuseError
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.plan import EffectivePlan
from gateway.domain.ports import Clock
from gateway.domain.signed import document_digest

Document = Mapping[str, object]
OnAck = Callable[[str, Ack], None]
MOST_WAITING: Final = 1000
MOST_KEPT: Final = 64
"""Intents that are handed back at once to a gateway that was restored."""
LARGEST_KEPT: Final = 512 << 10
"""Bytes of them."""


class Inbox:
    """Plans and intents of one site.

    Args:
        site: Whose.
        receiver: Name under which they are acknowledged.
        notebook: What is known already.
        clock: Time.
        on_ack: Called with what is to be acknowledged.
        on_notice: Told of what is not followed.
    """

    def __init__(
        self,
        *,
        site: str,
        receiver: str,
        notebook: Notebook,
        clock: Clock,
        on_ack: OnAck,
        on_notice: OnNotice,
    ) -> None:
        self._site = site
        self._receiver = receiver
        self._notebook = notebook
        self._clock = clock
        self._on_ack = on_ack
        self._on_notice = on_notice
        self._waiting: dict[str, ComputeFlexIntent] = {}
        self._documents: dict[str, Document] = {}
        """Each intent as it was received last, signature included."""
        self.plan: EffectivePlan | None = None
        self.bell = Doorbell(clock)
        """Rings when something new is here."""

    def take_plan(self, document: Document, sequence: int | None) -> EffectivePlan | None:
        """Take a plan in; return it when it is the newest now."""
        try:
            plan = EffectivePlan.model_validate(document)
            digest = document_digest(document)
        except (ValidationError, MisuseError) as error:
            self._unreadable(PLAN, error)
            return None
        if plan.site != self._site or not plan.segments:
            self._tell("UNREADABLE", PLAN, "it is another site's, or has no steps")
            return None
        verdict = self._notebook.judge(PLAN, plan.revision, digest)
        if verdict is Verdict.CONFLICT:
            self._tell("CONFLICT", PLAN, f"revision {plan.revision} came with other content")
        if verdict is not Verdict.NEW:
            return None
        self._notebook.note(PLAN, plan.revision, digest, sequence)
        self.plan = plan
        self.bell.ring()
        return plan

    def take_intent(self, document: Document, sequence: int, *, snapshot: bool = False) -> None:
        """Take an intent in and have it acknowledged.

        Args:
            document: As received, unknown fields included.
            sequence: Its place in the stream.
            snapshot: True: out of a reset; it may stand there with a state that moved on since it was published.
        """
        subject = str(document.get("id", ""))
        try:
            intent = ComputeFlexIntent.model_validate(document)
            digest = document_digest(document)
        except (ValidationError, MisuseError) as error:
            return self._unreadable(subject, error)
        if intent.site != self._site:
            return self._tell("UNREADABLE", subject, "it is another site's")
        verdict = self._notebook.judge(intent.id, intent.revision, digest)
        if verdict is Verdict.CONFLICT and not snapshot:
            detail = f"revision {intent.revision} came with other content; it is not followed"
            return self._tell("CONFLICT", intent.id, detail)
        if verdict is Verdict.NEW:
            if intent.deliver_by is not None and self._clock.now() > intent.deliver_by:
                return self._tell("LATE", intent.id, "first seen after its deliver_by; dropped")
            self._keep(intent, digest, sequence)
            self._documents[intent.id] = document
        self._on_ack(intent.id, self._ack(intent, digest))
        return None

    def next_intent(self) -> ComputeFlexIntent | None:
        """Hand out the oldest intent that waits, at its newest revision."""
        oldest = next(iter(self._waiting), None)
        return None if oldest is None else self._waiting.pop(oldest)

    def kept(self, wanted: Iterable[str]) -> tuple[dict[str, object], ...]:
        """Return intents as they were received, as many as may be handed back at once."""
        found: list[dict[str, object]] = []
        room = LARGEST_KEPT
        for intent in wanted:
            document = self._documents.get(intent)
            size = len(canonical(document)) if document is not None else 0
            if document is not None and size <= room and len(found) < MOST_KEPT:
                found.append(dict(document))
                room -= size
        return tuple(found)

    def let_go(self, intent_id: str) -> None:
        """Take an intent back that the gateway no longer stands by: after its restore no utility asks for it."""
        document = self._documents.pop(intent_id, None)
        waits = self._waiting.pop(intent_id, None) is not None
        known = self._notebook.revision(intent_id) > 0
        self._notebook.forget(intent_id)
        if known:
            self._tell(
                "VOID", intent_id, "the gateway was restored, and no utility asks for it any more"
            )
        intent = ComputeFlexIntent.model_validate(document) if document and not waits else None
        if intent is not None and intent.cancelled_at is None:
            told = {"cancelled_at": self._clock.now(), "signature": ""}
            self._waiting[intent_id] = intent.model_copy(update=told)
            self.bell.ring()

    def _keep(self, intent: ComputeFlexIntent, digest: str, sequence: int) -> None:
        self._notebook.note(intent.id, intent.revision, digest, sequence)
        self._waiting.pop(intent.id, None)
        self._waiting[intent.id] = intent
        while len(self._documents) > MOST_WAITING:
            del self._documents[next(iter(self._documents))]
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self.bell.ring()

    def _ack(self, intent: ComputeFlexIntent, digest: str) -> Ack:
        return Ack(
            revision=intent.revision,
            sequence=intent.sequence,
            receiver=self._receiver,
            received_at=self._clock.now(),
            digest=digest,
        )

    def _unreadable(self, subject: str, error: ValidationError | MisuseError) -> None:
        detail = error.detail if isinstance(error, MisuseError) else f"{error.error_count()} faults"
        self._tell("UNREADABLE", subject, detail)

    def _tell(self, reason: str, subject: str, detail: str) -> None:
        self._on_notice(Notice(reason=reason, subject=subject, detail=detail))
