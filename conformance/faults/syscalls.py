"""What a process asked of the disk, in order: its system calls as ``strace`` writes them down.

Only the calls that change files or flush them are followed, and what the process says on its standard output, which
stands for the answers that somebody has seen. Files are told apart by name inside one folder; nothing else matters.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CALLS: Final = "openat,close,pwrite64,write,ftruncate,fsync,fdatasync,rename,unlink"
_LINE: Final = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_UNFINISHED: Final = "<unfinished ...>"
_RESULT: Final = re.compile(r"\) += (-?\d+)")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_LONGEST: Final = 1 << 20
_EVEN_BEFORE: Final = frozenset({"write", "pwrite64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file got its name, if it was not there before."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """Bytes went to the operating system's memory."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A file got another length."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """Everything written to a file before is on the disk; with an empty name: the folder's entries are."""

    name: str
    worked: bool
    """False: the operating system said that it failed, and may have dropped what waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A name changed; empty: it was removed."""

    name: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Somebody was told something."""

    text: str


Call = Opened | Wrote | Cut | Flushed | Moved | Said


def missing() -> str:
    """Say what stands in the way of tracing; empty when nothing does."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run(
        [strace, "-f", "-e", "trace=none", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr[:120]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A traced process that has ended."""

    calls: tuple[Call, ...]
    said: tuple[str, ...]
    """Its standard output, complete, line by line."""
    code: int
    errors: str


def traced(command: Sequence[str], folder: Path, trace: Path, *, inject: str = "") -> Ran:
    """Run a command under ``strace`` and read what it did to the files of one folder.

    Args:
        command: Program and arguments.
        folder: Files elsewhere are not followed.
        trace: Where the trace is written.
        inject: One ``--inject`` expression, e.g. ``fdatasync:error=EIO:when=3``.

    Raises:
        RuntimeError: strace is not there, or the trace cannot be followed.
    """
    strace = shutil.which("strace")
    if strace is None:
        raise RuntimeError("strace is not installed")
    options = ["-f", "-qq", "-xx", "-s", str(_LONGEST), "-e", f"trace={CALLS}", "-e", "signal=none"]
    options += ["--seccomp-bpf", *(["-e", f"inject={inject}"] if inject else [])]
    ran = subprocess.run(
        [strace, *options, "-o", str(trace), *command], capture_output=True, text=True, check=False
    )
    with trace.open(encoding="ascii", errors="replace") as lines:
        calls = tuple(_Reader(folder.resolve()).calls(lines))
    return Ran(
        calls=calls, said=tuple(ran.stdout.splitlines()), code=ran.returncode, errors=ran.stderr
    )


@dataclass
class _Reader:
    """Follows descriptors; threads of one process share them."""

    folder: Path
    names: dict[int, str] = field(default_factory=dict)
    """Descriptor -> name inside the folder; empty: the folder itself."""

    def calls(self, lines: Iterator[str]) -> Iterator[Call]:
        begun: dict[str, str] = {}
        for line in lines:
            if resumed := _RESUMED.match(line):
                pid, name, rest = resumed.groups()
                yield from self._call(name, begun.pop(pid, "") + rest)
            elif started := _LINE.match(line):
                pid, name, rest = started.groups()
                if not rest.endswith(_UNFINISHED):
                    yield from self._call(name, rest)
                    continue
                begun[pid] = rest.removesuffix(_UNFINISHED)
                # An answer counts from the moment in which it begins to be told.
                if name == "write" and rest.startswith("1, "):
                    yield Said(text=_bytes(rest).decode(errors="replace"))
                    begun[pid] = "-1, "

    def _call(self, name: str, rest: str) -> Iterator[Call]:
        found = _RESULT.search(rest, rest.rfind(")"))
        result = int(found[1]) if found else -1
        first, _, _ = rest.partition(",")
        descriptor = int(number[0]) if (number := re.match(r"-?\d+", first)) else -1
        if name in {"fsync", "fdatasync"}:
            if descriptor in self.names:
                yield Flushed(name=self.names[descriptor], worked=result == 0)
        elif result < 0:
            return
        elif name in _EVEN_BEFORE:
            yield from self._wrote(name, descriptor, rest, result)
        elif name == "ftruncate" and descriptor in self.names:
            yield Cut(
                name=self.names[descriptor], size=int(rest.split(",")[1].split(")", maxsplit=1)[0])
            )
        elif name == "close":
            self.names.pop(descriptor, None)
        elif name in {"openat", "rename", "unlink"}:
            yield from self._named(name, rest, result)

    def _wrote(self, name: str, descriptor: int, rest: str, written: int) -> Iterator[Call]:
        if name == "write" and descriptor == 1:
            yield Said(text=_bytes(rest).decode(errors="replace"))
        elif descriptor in self.names and name == "pwrite64":
            offset = int(rest[: rest.rfind(")")].rsplit(",", 1)[1])
            yield Wrote(name=self.names[descriptor], offset=offset, data=_bytes(rest)[:written])
        elif descriptor in self.names:
            raise RuntimeError(f"{self.names[descriptor]} is written without a place")

    def _named(self, name: str, rest: str, result: int) -> Iterator[Call]:
        paths = [
            self._inside(bytes.fromhex(text.replace("\\x", ""))) for text in _TEXT.findall(rest)
        ]
        if name == "openat":
            self.names.pop(result, None)
            if paths[0] is not None:
                self.names[result] = paths[0]
                if "O_CREAT" in rest:
                    yield Opened(name=paths[0])
        elif name == "unlink" and paths[0]:
            yield Moved(name=paths[0], to="")
        elif name == "rename" and paths[0] and paths[1]:
            yield Moved(name=paths[0], to=paths[1])

    def _inside(self, raw: bytes) -> str | None:
        path = Path(raw.decode())
        if path == self.folder:
            return ""
        return path.name if path.parent == self.folder else None


def _bytes(rest: str) -> bytes:
    text = _TEXT.search(rest)
    return bytes.fromhex(text[1].replace("\\x", "")) if text else b""


def answers(calls: Sequence[Call]) -> Mapping[int, str]:
    """Return what was said, by its place among the calls."""
    return {place: call.text for place, call in enumerate(calls) if isinstance(call, Said)}
