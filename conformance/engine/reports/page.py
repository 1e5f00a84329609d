"""``report.html``: one file without scripts or outer resources; what a device sent is text in it and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
from lxml import etree
from markupsafe import Markup

from conformance.engine.facts import facts_of
from conformance.engine.history import attempts
from conformance.engine.judging import Judged, Verdicts
from conformance.engine.plans import Plan
from conformance.engine.reports.document import Report
from conformance.engine.reports.sequence import diagram
from conformance.kit.case import Case
from conformance.kit.transcript import Mark, Message, Transcript
from conformance.kit.xml import parse

_FOLDER: Final = Path(__file__).parent
_LONGEST: Final = 256 << 10
"""Of a body as shown; the evidence beside the page holds all of it, and the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case as the page shows it."""

    judged: Judged
    case: Case
    diagram: Markup
    messages: Sequence[Message]
    marks: Sequence[Mark]
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One body as the page shows it."""

    sha256: str
    size: int
    pretty: str
    raw: str
    cut: bool


def page(folder: Path, report: Report, verdicts: Verdicts, plan: Plan, *, poll_s: float = 0) -> str:
    """Write the page of a recorded run; ``poll_s`` is that of its IXIT."""
    cases = {case.id: case for case in plan.cases}
    facts = {name: facts_of(case, poll_s) for name, case in cases.items()}
    found = attempts(folder, plan.mode, facts)
    rows: list[Row] = []
    bodies: dict[str, bytes] = {}
    for judged in verdicts.cases:
        attempt = found.get(judged.case)
        transcript = attempt.transcript if attempt else Transcript(case=judged.case)
        rows.append(_row(judged, cases[judged.case], transcript, report))
        bodies |= {m.sha256: m.body for m in transcript.messages if m.body}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known = {r.id: r for r in report.requirements}
    return environment.get_template("report.html").render(
        report=report, rows=rows, bodies=[_body(k, v) for k, v in bodies.items()], known=known
    )


def _row(judged: Judged, case: Case, transcript: Transcript, report: Report) -> Row:
    command = (
        f"gridgate-conformance run --plan {report.plan} --only {judged.case} "
        f"--seed {report.seed} --time {report.time}"
    )
    cited = {int(str(f["message"])) for f in judged.findings if f["message"] is not None}
    return Row(
        judged=judged,
        case=case,
        diagram=Markup(diagram(transcript, cited)),  # noqa: S704 - made by lxml, which escapes what a device sent
        messages=transcript.messages,
        marks=transcript.marks,
        command=command,
    )


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
