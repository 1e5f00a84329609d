"""Telemetry that waits to be taken: in memory, or in a folder that outlives the program."""

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from pydantic import ValidationError

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.canonical import canonical
from gateway.domain.reading import Reading

_FILE: Final = re.compile(r"(?P<number>\d{12})-(?P<count>\d{1,6})\.json")


class Batches(Protocol):
    """Batches in the order in which they were made."""

    dropped_samples: int
    """Given up because there was no room."""

    def add(self, batch: TelemetryBatch) -> None:
        """Keep one more; the oldest goes when there is no room."""
        ...

    def first(self) -> TelemetryBatch | None:
        """Return the oldest."""
        ...

    def done(self, batch_id: str) -> None:
        """Forget the oldest if it is this one."""
        ...

    def __len__(self) -> int:
        """Return how many wait."""
        ...


class MemoryBatches:
    """Batches in memory.

    Args:
        most_samples: Room.
    """

    def __init__(self, most_samples: int) -> None:
        self._most = most_samples
        self._kept: deque[TelemetryBatch] = deque()
        self._samples = 0
        self.dropped_samples = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, batch: TelemetryBatch) -> None:
        """Keep one more; the oldest goes when there is no room."""
        self._kept.append(batch)
        self._samples += len(batch.samples)
        while self._samples > self._most and len(self._kept) > 1:
            self.dropped_samples += self._forget()

    def first(self) -> TelemetryBatch | None:
        """Return the oldest."""
        return self._kept[0] if self._kept else None

    def done(self, batch_id: str) -> None:
        """Forget the oldest if it is this one."""
        if self._kept and self._kept[0].batch_id == batch_id:
            self._forget()

    def _forget(self) -> int:
        count = len(self._kept.popleft().samples)
        self._samples -= count
        return count


class FolderBatches:
    """Batches as files of one folder, one program at a time.

    Args:
        folder: Made when it is missing.
        most_samples: Room.
    """

    def __init__(self, folder: Path, most_samples: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = most_samples
        self.dropped_samples = 0
        names = sorted(each.name for each in folder.iterdir())
        found = [match for match in map(_FILE.fullmatch, names) if match]
        self._files = deque((each.group(), int(each.group("count"))) for each in found)
        self._samples = sum(count for _, count in self._files)
        self._next = int(found[-1].group("number")) + 1 if found else 1
        self._first: TelemetryBatch | None = None

    def __len__(self) -> int:
        return len(self._files)

    def add(self, batch: TelemetryBatch) -> None:
        """Keep one more; the oldest goes when there is no room."""
        count = len(batch.samples)
        name = f"{self._next:012d}-{count}.json"
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(batch.model_dump_json().encode())
        fresh.replace(self._folder / name)
        self._next += 1
        self._files.append((name, count))
        self._samples += count
        while self._samples > self._most and len(self._files) > 1:
            self.dropped_samples += self._forget()

    def first(self) -> TelemetryBatch | None:
        """Return the oldest; a file that cannot be read is set aside and counted as dropped."""
        while self._first is None and self._files:
            path = self._folder / self._files[0][0]
            try:
                self._first = TelemetryBatch.model_validate_json(path.read_bytes())
            except (ValidationError, OSError):
                if path.exists():
                    path.rename(path.with_suffix(".unreadable"))
                self.dropped_samples += self._forget()
        return self._first

    def done(self, batch_id: str) -> None:
        """Forget the oldest if it is this one."""
        if self._first is not None and self._first.batch_id == batch_id:
            self._forget()

    def _forget(self) -> int:
        name, count = self._files.popleft()
        (self._folder / name).unlink(missing_ok=True)
        self._samples -= count
        self._first = None
        return count


def samples_of(given: Sample | Reading | Iterable[Sample | Reading]) -> tuple[Sample, ...]:
    """Return samples of whatever a meter gives; missing readings are left out."""
    if isinstance(given, Sample):
        return (given,)
    if isinstance(given, Reading):
        sample = _sample(given)
        return (sample,) if sample is not None else ()
    return tuple(sample for each in given for sample in samples_of(each))


def make_batch(samples: Sequence[Sample]) -> TelemetryBatch:
    """Make a batch whose id follows from its content: the same samples are stored once, however often they come."""
    documents = [sample.model_dump(mode="json") for sample in samples]
    batch_id = hashlib.sha256(canonical(documents)).hexdigest()[:32]
    return TelemetryBatch(batch_id=batch_id, samples=tuple(samples))


def _sample(reading: Reading) -> Sample | None:
    if reading.energy_kwh is None:
        return None
    return Sample.model_validate(
        {
            "meter": reading.meter,
            "start": reading.start,
            "duration": reading.duration,
            "energy_kwh": reading.energy_kwh,
            "quality": reading.quality.value,
        }
    )
