"""A disk that keeps what was flushed and, of the rest, whatever it likes (R-DUR-9, section 13.7).

A write lies in memory until a flush of its file has returned. At a power loss the disk holds everything flushed and any
part of the rest: nothing, all, a beginning that ends inside a sector's worth of a write, or any set of sectors in any
order. Names are journalled: they come back as they were after some number of changes, the flushed ones among them.
After a flush that failed the waiting writes are lost for the disk, though the operating system goes on showing them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.faults.syscalls import Call, Cut, Flushed, Moved, Opened, Said, Wrote
from gateway.domain.chance import Chance

Image = Mapping[str, bytes]
"""Name -> content, as found after a power loss."""
_SHARES: Final = (0.1, 0.5, 0.9)
"""Of the sectors that wait, in one image."""
NOT_KEPT: Final = ("-shm", ".lock")
"""Endings of files that SQLite or we make anew; their content means nothing after a restart."""


@dataclass
class _File:
    kept: bytearray = field(default_factory=bytearray)
    waiting: list[Wrote | Cut] = field(default_factory=list)

    def flushed(self) -> None:
        for call in self.waiting:
            _apply(self.kept, call)
        self.waiting.clear()


@dataclass
class Disk:
    """Follows calls; asked for images at any point."""

    names: dict[str, _File] = field(default_factory=dict)
    """As the running process sees them."""
    _kept: dict[str, _File] = field(default_factory=dict)
    _changes: list[dict[str, _File]] = field(default_factory=list)
    """What the names were after each change that is not flushed yet."""

    def take(self, call: Call) -> None:
        """Let a call happen."""
        match call:
            case Wrote() | Cut():
                self._file(call.name).waiting.append(call)
            case Opened(name=name):
                self._file(name)
            case Moved(name=name, to=to):
                self._move(name, to)
            case Flushed(name="", worked=True):
                self._kept = dict(self.names)
                self._changes.clear()
            case Flushed(name=name, worked=worked) if name in self.names:
                if worked:
                    self.names[name].flushed()
                else:
                    self.names[name].waiting.clear()
            case Flushed() | Said():
                pass

    def waits(self) -> int:
        """Return how many writes are not flushed."""
        return sum(len(file.waiting) for name, file in self.names.items() if _counts(name))

    def flushed(self) -> Image:
        """Return what is certain to be there."""
        return {name: bytes(file.kept) for name, file in self._kept.items() if _counts(name)}

    def torn(self, chance: Chance, sector: int) -> Image:
        """Return the flushed content and a beginning of the rest of each file, cut within a write."""
        found = {}
        for name, file in self._some_names(chance).items():
            content = bytearray(file.kept)
            whole = chance.randint(0, len(file.waiting))
            for call in file.waiting[:whole]:
                _apply(content, call)
            for call in file.waiting[whole : whole + 1]:
                parts = _sectors(call, sector)
                for part in parts[: chance.randint(0, len(parts))]:
                    _apply(content, part)
            found[name] = bytes(content)
        return found

    def reordered(self, chance: Chance, sector: int) -> Image:
        """Return the flushed content and any set of the sectors that wait."""
        found = {}
        for name, file in self._some_names(chance).items():
            content = bytearray(file.kept)
            share = _SHARES[chance.randint(0, len(_SHARES) - 1)]
            for call in file.waiting:
                for part in _sectors(call, sector):
                    if chance.random() < share:
                        _apply(content, part)
            found[name] = bytes(content)
        return found

    def _some_names(self, chance: Chance) -> Mapping[str, _File]:
        names = [self._kept, *self._changes][chance.randint(0, len(self._changes))]
        return {name: file for name, file in names.items() if _counts(name)}

    def _file(self, name: str) -> _File:
        if name not in self.names:
            self.names[name] = _File()
            self._changed()
        return self.names[name]

    def _move(self, name: str, to: str) -> None:
        file = self.names.pop(name, None)
        if file is not None and to:
            self.names[to] = file
        self._changed()

    def _changed(self) -> None:
        self._changes.append(dict(self.names))


def _counts(name: str) -> bool:
    return not name.endswith(NOT_KEPT)


def _apply(content: bytearray, call: Wrote | Cut) -> None:
    if isinstance(call, Cut):
        del content[call.size :]
        content.extend(bytes(call.size - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


def _sectors(call: Wrote | Cut, size: int) -> Sequence[Wrote | Cut]:
    """Cut a write at the borders of the disk's sectors."""
    if isinstance(call, Cut):
        return [call]
    parts = []
    begin, end = call.offset, call.offset + len(call.data)
    while begin < end:
        border = min((begin // size + 1) * size, end)
        data = call.data[begin - call.offset : border - call.offset]
        parts.append(Wrote(name=call.name, offset=begin, data=data))
        begin = border
    return parts
