"""The verbs on runs that are already there: rejudge, verify, report, diff; and ``key`` for signing."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from conformance.cli.ending import Exit
from conformance.engine.conclude import changes, fresh_reports, recorded, rejudged, same_as_recorded
from conformance.engine.published import FORMS, text_of
from conformance.engine.sealed import verify


def add_rejudge(verb: argparse.ArgumentParser) -> None:
    """Give ``rejudge`` its options."""
    verb.add_argument("run", type=Path, metavar="RUN")
    verb.add_argument("--json", action="store_true", help="the verdicts on stdout")


def add_verify(verb: argparse.ArgumentParser) -> None:
    """Give ``verify`` its options."""
    verb.add_argument("run", type=Path, metavar="RUN")
    verb.add_argument(
        "--key", default="", metavar="SHA256", help="fingerprint that must have signed"
    )


def add_schema(verb: argparse.ArgumentParser) -> None:
    """Give ``schema`` its options."""
    verb.add_argument("form", choices=sorted(FORMS), metavar="|".join(sorted(FORMS)))


def add_report(verb: argparse.ArgumentParser) -> None:
    """Give ``report`` its options."""
    verb.add_argument("run", type=Path, metavar="RUN")


def add_diff(verb: argparse.ArgumentParser) -> None:
    """Give ``diff`` its options."""
    verb.add_argument("before", type=Path, metavar="RUN1")
    verb.add_argument("after", type=Path, metavar="RUN2")
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run_rejudge(given: argparse.Namespace) -> int:
    """Judge again; a difference to what was recorded is a fault of the suite, or of the evidence."""
    verdicts = rejudged(given.run)
    if given.json:
        sys.stdout.write(verdicts.model_dump_json(indent=1) + "\n")
    if same_as_recorded(given.run, verdicts):
        sys.stderr.write(f"{given.run}: {verdicts.verdict}, byte for byte as recorded\n")
        return Exit.OK
    sys.stderr.write(f"{given.run}: NOT as recorded\n")
    before = recorded(given.run)
    for old, new in zip(before.cases, verdicts.cases, strict=False):
        names = [
            name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)
        ]
        if names and old.verdict is new.verdict:
            sys.stderr.write(f"  {old.case}: same verdict, another {', '.join(names)}\n")
    for change in changes(before, verdicts):
        sys.stderr.write(f"  {change.case}: {change.before} -> {change.after}  {change.cause}\n")
    return Exit.ERROR


def run_verify(given: argparse.Namespace) -> int:
    """Verify the seal."""
    found = verify(given.run, given.key)
    for fault in found.faults:
        sys.stderr.write(f"{fault}\n")
    word = "as sealed" if not found.faults else f"{len(found.faults)} fault(s)"
    sys.stderr.write(f"{given.run}: {word}; signed by {found.key}\n")
    return Exit.FAIL if found.faults else Exit.OK


def run_report(given: argparse.Namespace) -> int:
    """Write the reports beside the sealed run, not into it."""
    sys.stdout.write(f"{fresh_reports(given.run)}\n")
    return Exit.OK


def run_schema(given: argparse.Namespace) -> int:
    """Print a published schema."""
    sys.stdout.write(text_of(given.form))
    return Exit.OK


def run_diff(given: argparse.Namespace) -> int:
    """Compare two runs; exit code 1 when a verdict differs."""
    found = changes(recorded(given.before), recorded(given.after))
    if given.json:
        sys.stdout.write(json.dumps([asdict(c) for c in found], indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{c.case}: {c.before} -> {c.after}  {c.cause}\n" for c in found)
    return Exit.FAIL if found else Exit.OK
