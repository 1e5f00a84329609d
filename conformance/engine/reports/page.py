"""``report.html``: one file without scripts or outer resources; what a device sent is text in it and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
from lxml import etree
from markupsafe import Markup

from conformance.engine.facts import facts_of
from conformance.engine.history import attempts
from conformance.engine.judging import Cited, Judged, Verdicts
from conformance.engine.pics import proforma
from conformance.engine.reports.document import Report
from conformance.engine.reports.excerpt import Excerpt, excerpt
from conformance.engine.reports.facets import LEGEND, steps, traced, values_of, wires
from conformance.engine.reports.sequence import diagram
from conformance.engine.runfile import RunFile
from conformance.kit.case import Case
from conformance.kit.transcript import Connection, Message, Transcript
from conformance.kit.verdict import Verdict
from conformance.kit.xml import parse

_FOLDER: Final = Path(__file__).parent
_LONGEST: Final = 256 << 10
"""Of a body as shown; the evidence beside the page holds all of it, and the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding as the page shows it."""

    told: Cited
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message as the page shows it; there are thousands, so its parts are put together beforehand."""

    number: int
    at: str
    sender: str
    start: str
    headers: str
    count: int
    connection: int
    notes: tuple[tuple[str, str], ...]
    """What was done to it, and by whom: word, told."""
    body: str
    """Anchor of its body; empty without one."""
    name: str
    size: int
    against: str
    """What the schema objects to first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case as the page shows it."""

    judged: Judged
    case: Case
    diagram: Markup
    messages: Sequence[Line]
    script: str
    """What it does, in the words of its author."""
    steps: Sequence[str]
    found: Sequence[Found]
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One body as the page shows it."""

    sha256: str
    size: int
    pretty: str
    raw: str
    cut: bool


def page(folder: Path, report: Report, verdicts: Verdicts, file: RunFile) -> str:
    """Write the page of a recorded run."""
    cases = {case.id: case for case in file.plan.cases}
    facts = {name: facts_of(case, file.ixit.poll_s) for name, case in cases.items()}
    found = attempts(folder, file.plan.mode, facts)
    rows: list[Row] = []
    bodies: dict[str, bytes] = {}
    connections: list[Connection] = []
    for judged in verdicts.cases:
        attempt = found.get(judged.case)
        transcript = attempt.transcript if attempt else Transcript(case=judged.case)
        rows.append(_row(judged, cases[judged.case], transcript, report))
        bodies |= {m.sha256: m.body for m in transcript.messages if m.body}
        connections += transcript.connections
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        file=file,
        legend=LEGEND,
        rows=rows,
        bad=[r for r in rows if r.judged.verdict not in (Verdict.PASS, Verdict.SKIP)],
        traced=traced(verdicts.cases, report.requirements),
        known={r.id: r for r in report.requirements},
        items=proforma(file.pics.profile, file.pics.role).items,
        ixit=values_of(file.ixit),
        tls=wires(connections),
        bodies=[_body(k, v) for k, v in bodies.items()],
    )


def _row(judged: Judged, case: Case, transcript: Transcript, report: Report) -> Row:
    command = (
        f"gridgate-conformance run --plan {report.plan} --only {judged.case} "
        f"--seed {report.seed} --time {report.time}"
    )
    numbered = {m.number: m for m in transcript.messages}
    cited = {f.message for f in judged.findings if f.message is not None}
    return Row(
        judged=judged,
        case=case,
        diagram=Markup(diagram(transcript, cited)),  # noqa: S704 - what a device sent is escaped there
        messages=[_line(message) for message in transcript.messages],
        script=(case.play.__doc__ or "").partition("\n\n")[0].strip(),
        steps=steps(transcript),
        found=[_found(told, numbered) for told in judged.findings],
        command=command,
    )


def _line(message: Message) -> Line:
    notes = {
        "wrong on purpose": message.wrong,
        "fault": message.fault,
        "broken": message.broken,
    }
    faults = message.schema_faults if message.name else ()
    return Line(
        number=message.number,
        at=f"{message.at:%H:%M:%S.%f}",
        sender=message.sender,
        start=message.start,
        headers="\n".join(f"{name}: {value}" for name, value in message.headers),
        count=len(message.headers),
        connection=message.connection,
        notes=tuple((word, told) for word, told in notes.items() if told),
        body=message.sha256[:16] if message.body else "",
        name=message.name,
        size=len(message.body),
        against=faults[0] if faults else "",
    )


def _found(told: Cited, numbered: Mapping[int, Message]) -> Found:
    message = numbered.get(told.message) if told.message is not None else None
    shown = excerpt(message, told.path) if message is not None else None
    return Found(told=told, excerpt=shown)


def _body(sha256: str, body: bytes) -> Body:
    shown = body[:_LONGEST]
    raw = shown.decode("utf-8", "backslashreplace")
    return Body(
        sha256=sha256,
        size=len(body),
        pretty=_pretty(shown) if len(body) <= _LONGEST else "",
        raw=raw,
        cut=len(body) > _LONGEST,
    )


def _pretty(body: bytes) -> str:
    root = parse(body).root
    if root is None:
        return ""
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")
