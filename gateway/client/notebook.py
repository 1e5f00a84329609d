"""What a site remembers of the stream: how far it has read, and which revisions it knows.

A lower or equal revision is acknowledged and ignored, but compared first: the same id and revision with other content
means that two gateways speak with one voice, or that a store was restored from a copy.
"""

import json
import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.client.fences import Fences
from gateway.domain.canonical import read_json
from gateway.domain.errors import WireError
from gateway.domain.participation import Opt

log = logging.getLogger("gridgate.client")
PLAN: Final = "plan"
"""Key of the plan among the documents; intents go by their ids."""
MOST_KNOWN: Final = 1000


class Verdict(StrEnum):
    """What a document is to a site that knows others."""

    NEW = "new"
    SAME = "same"
    OLDER = "older"
    CONFLICT = "conflict"
    """Known revision, other content."""


@dataclass(frozen=True, slots=True)
class Known:
    """A revision as it was first received."""

    revision: int
    digest: str


class Notebook:
    """Cursor and known revisions; kept in a file when there is one.

    Args:
        path: Where; None: only in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Known] = {}
        self._taken: dict[str, Known] = {}
        self._waiting: dict[str, int] = {}
        self._answers: dict[str, tuple[int, Opt]] = {}
        self._written = ""
        self.fences = Fences()
        """Which gateway is followed; kept too, so that a restart does not go back to one that was fenced off."""
        self.received = 0
        """Sequence up to which the stream was read; a broken stream goes on from here."""
        self._load()

    @property
    def cursor(self) -> int:
        """Return the sequence up to which everything was taken by its consumer."""
        return min(self._waiting.values(), default=self.received + 1) - 1

    def judge(self, key: str, revision: int, digest: str) -> Verdict:
        """Compare a document with what is known by its key; nothing is changed."""
        known = self._known.get(key)
        if known is None or revision > known.revision:
            return Verdict.NEW
        if revision < known.revision:
            return Verdict.OLDER
        return Verdict.SAME if digest == known.digest else Verdict.CONFLICT

    def revision(self, key: str) -> int:
        """Return the highest revision known, 0 for none."""
        known = self._known.get(key)
        return known.revision if known else 0

    def intents(self) -> dict[str, int]:
        """Return the highest known revision of each intent."""
        return {key: known.revision for key, known in self._known.items() if key != PLAN}

    def answers(self) -> dict[str, Opt]:
        """Return what was answered to the highest known revision of each intent."""
        return {
            key: opt
            for key, (revision, opt) in self._answers.items()
            if self.revision(key) == revision
        }

    def answered(self, key: str, revision: int, opt: Opt) -> None:
        """Remember the last answer that the gateway has taken: after a restore it may have forgotten it."""
        if key in self._known:
            self._answers[key] = (revision, opt)
            self.save()

    def forget(self, key: str) -> None:
        """Forget an intent that holds no longer."""
        for book in (self._known, self._taken, self._waiting, self._answers):
            book.pop(key, None)
        self.save()

    def note(self, key: str, revision: int, digest: str, sequence: int | None) -> None:
        """Remember a new document that waits for its consumer."""
        self._known.pop(key, None)
        self._known[key] = Known(revision, digest)
        if sequence is not None:
            self._waiting[key] = sequence
        while len(self._known) > MOST_KNOWN:
            oldest = next(each for each in self._known if each != PLAN)
            for book in (self._known, self._taken, self._waiting, self._answers):
                book.pop(oldest, None)

    def read_to(self, sequence: int) -> None:
        """Move on in the stream."""
        self.received = sequence

    def restart(self, sequence: int) -> None:
        """Go on from another place: the stream was reset, older places mean nothing."""
        self._waiting.clear()
        self.received = sequence

    def take(self, key: str, revision: int, *, covers: bool = False) -> None:
        """Note that a consumer is done with a revision.

        Args:
            key: Of the document.
            revision: That it took; a newer one that came meanwhile still waits.
            covers: True: everything that came before it counts as taken too (a plan, where nobody reads intents).
        """
        place = self._waiting.get(key, self.received)
        for each in [key, *(self._waiting if covers else ())]:
            known = self._known.get(each)
            if known is None or self._waiting.get(each, place) > place:
                continue
            if each != key or known.revision == revision:
                self._taken[each] = known
                self._waiting.pop(each, None)
        self.save()

    def save(self) -> None:
        """Write cursor and taken revisions when they have changed."""
        if self._path is None:
            return
        known = {key: [each.revision, each.digest] for key, each in self._taken.items()}
        text = json.dumps(
            {
                "cursor": self.cursor,
                "known": known,
                "answers": {key: [r, opt.value] for key, (r, opt) in self._answers.items()},
                "fences": list(self.fences.texts),
            }
        )
        if text == self._written:
            return
        # A name of its own, then a rename: a crash leaves the old file. Not flushed: an old cursor only repeats.
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_text(text)
            fresh.replace(self._path)
        except OSError as error:
            log.warning("the cursor could not be written: %s", error)
            return
        self._written = text

    def _load(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            found = read_json(self._path.read_bytes())
            self.received = int(found["cursor"])
            known = {key: Known(int(r), str(d)) for key, (r, d) in found["known"].items()}
            told = found.get("answers", {}).items()
            self._answers = {key: (int(r), Opt(opt)) for key, (r, opt) in told}
            self.fences = Fences(tuple(str(text) for text in found.get("fences", ())))
        except (WireError, KeyError, TypeError, ValueError, AttributeError):
            self.received = 0  # unreadable: read everything again, nothing is lost by that
            return
        # The plan is asked for at every start: a program that starts anew does not know what it did before.
        self._taken = {key: each for key, each in known.items() if key != PLAN}
        self._known = dict(self._taken)
