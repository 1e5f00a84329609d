"""What the site's program must not forget: which plan it followed since when, and what it has told.

One JSON document a line; a line cut off by a crash is passed over. Together with the command line this is enough to
compute the run anew: noise, control and reports follow from it.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from gateway.domain.errors import ConfigError, WireError
from gateway.domain.plan import EffectivePlan
from gateway.domain.timespan import instant, instant_text


class Journal:
    """The journal of one run.

    Args:
        path: File to keep it in, made when missing; None: keep nothing.
        run: What tells this run from others; computing one run from another's journal would be a lie.

    Raises:
        ConfigError: the file is another run's.
    """

    def __init__(self, path: Path | None, run: str) -> None:
        self._path = path
        self._run = run
        self.plans: list[tuple[datetime, EffectivePlan]] = []
        """Adopted when, and what, so far: a history for ``offline.simulate``."""
        self.metered = -1
        """Highest minute whose samples were handed to the client, which keeps them."""
        self.said = -1
        """Highest minute of which the gateway was told what came of events."""
        entries = list(self._entries())
        for entry in entries:
            self._read(entry)
        if not entries:
            self._write({"run": run}, durable=True)

    def adopted(self, plan: EffectivePlan, at: datetime) -> None:
        """Remember, before it acts, that a plan is followed from ``at`` on."""
        self.plans.append((at, plan))
        written = json.loads(plan.model_dump_json(by_alias=True))
        self._write({"at": instant_text(at), "plan": written}, durable=True)

    def has_metered(self, minute: int) -> None:
        """Remember whose samples were handed on; losing this only means handing them on twice."""
        self.metered = minute
        self._write({"metered": minute}, durable=False)

    def has_said(self, minute: int) -> None:
        """Remember of which minute all was said; losing this only means saying it twice."""
        self.said = minute
        self._write({"said": minute}, durable=False)

    def _entries(self) -> Iterator[dict[str, object]]:
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry

    def _read(self, entry: dict[str, object]) -> None:
        match entry:
            case {"run": other} if other != self._run:
                fault = f"{self._path} is the journal of another run ({other}): name another file"
                raise ConfigError((fault,))
            case {"at": str(at), "plan": dict(plan)}:
                try:
                    self.plans.append((instant(at), EffectivePlan.model_validate(plan)))
                except (ValidationError, WireError):
                    return
            case {"metered": int(minute)}:
                self.metered = max(self.metered, minute)
            case {"said": int(minute)}:
                self.said = max(self.said, minute)
            case _:
                return

    def _write(self, entry: dict[str, object], *, durable: bool) -> None:
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            # A crash may have left half a line: what follows must not be glued to it.
            file.write(("\n" if _cut_off(self._path) else "") + json.dumps(entry) + "\n")
            file.flush()
            if durable:
                os.fsync(file.fileno())


def _cut_off(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
