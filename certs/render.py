"""Put what was found into words for people, or into one JSON document for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from certs.facts import Certificate, Fault
from certs.files import LeafFiles
from certs.inspect import Report
from certs.issue import Leaf
from certs.profiles import Role
from gateway.protocols.sep2.identity import lfdi_of, sfdi_of, sfdi_text

_USES: Final = {
    Role.VEN: "certificate of the VEN",
    Role.VTN: "certificate of the VTN, the utility's server",
    Role.SERVER: "certificate of the gateway's listener towards the site",
}


def explanation(report: Report) -> str:
    """Tell the story of a chain: each certificate, who issued it, and the verdict."""
    lines: list[str] = []
    for place, one in enumerate(report.chain):
        lines += _certificate(place, one, report)
    lines += [f"stray: {one.subject}  ({one.where})" for one in report.strays]
    lines += [fault_text(fault) for fault in report.faults]
    lines += [f"note: {note}" for note in report.notes]
    lines.append(_verdict(report))
    return "\n".join(lines)


def _certificate(place: int, one: Certificate, report: Report) -> list[str]:
    kind = "authority" if one.is_authority else "leaf"
    bound = "" if one.path_length is None else f", {one.path_length} authorities may follow below"
    mark = "TEST certificate, refused outside test mode" if one.is_test else "no test mark"
    return [
        f"{place + 1}. {one.subject or '(no subject)'}",
        f"     file         {one.where}",
        f"     kind         {kind}{bound}",
        f"     issued by    {_issuer(place, one, report)}",
        f"     key          {one.key}, signed with {one.signature}",
        f"     valid        {_day(one)}",
        *([f"     names        {', '.join(one.names)}"] if one.names else []),
        *([f"     purposes     {', '.join(one.purposes)}"] if one.purposes else []),
        f"     fingerprint  {one.fingerprint}  (OpenADR 2.0b form)",
        f"     SHA-256      {one.sha256}",
        f"     mark         {mark}",
    ]


def _issuer(place: int, one: Certificate, report: Report) -> str:
    if place + 1 < len(report.chain):
        return f"certificate {place + 2} below, signature checked"
    if report.complete:
        return "itself: it is the root"
    return f"{one.issuer or '(no name)'}, which was not given"


def _day(one: Certificate) -> str:
    return f"{one.start:%Y-%m-%d %H:%M:%SZ} to {one.end:%Y-%m-%d %H:%M:%SZ}"


def fault_text(fault: Fault) -> str:
    """Write one fault: what, where, the fix."""
    return f"fault[{fault.code}]: {fault.what}\n  --> {fault.where}\n  fix: {fault.fix}"


def _verdict(report: Report) -> str:
    test = "; TEST certificates, for rehearsals only" if report.is_test else ""
    if report.faults:
        count = len(report.faults)
        return f"{count} fault{'' if count == 1 else 's'} found{test}"
    if not report.chain:
        return "nothing found"
    return f"no fault found{'' if report.complete else ' below the root'}{test}"


def report_json(report: Report) -> str:
    """Write a report as one JSON document."""
    return _json(
        {
            "ok": not report.faults,
            "complete": report.complete,
            "test": report.is_test,
            "chain": [_facts(one) for one in report.chain],
            "strays": [_facts(one) for one in report.strays],
            "faults": faults_document(report.faults),
            "notes": list(report.notes),
        }
    )


def faults_document(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """Turn faults into JSON values."""
    return [
        {"code": one.code, "where": one.where, "what": one.what, "fix": one.fix} for one in faults
    ]


def _facts(one: Certificate) -> dict[str, object]:
    return {
        "file": str(one.file),
        "position": one.position,
        "subject": one.subject,
        "issuer": one.issuer,
        "authority": one.is_authority,
        "path_length": one.path_length,
        "key": one.key,
        "signature": one.signature,
        "valid_from": f"{one.start:%Y-%m-%dT%H:%M:%SZ}",
        "valid_to": f"{one.end:%Y-%m-%dT%H:%M:%SZ}",
        "names": list(one.names),
        "purposes": list(one.purposes),
        "fingerprint_oadr20b": one.fingerprint,
        "sha256": one.sha256,
        "test": one.is_test,
    }


def identity(one: Certificate) -> str:
    """Say what to hand over so that a peer can put this certificate on file."""
    lfdi = lfdi_of(one.der)
    return "\n".join(
        [
            f"{one.subject or '(no subject)'}{'   TEST' if one.is_test else ''}",
            f"  fingerprint  {one.fingerprint}  (OpenADR 2.0b: hand this to the utility)",
            f"  LFDI         {lfdi}  (IEEE 2030.5: hand this to the utility)",
            f"  SFDI         {sfdi_text(sfdi_of(lfdi))}",
            f"  SHA-256      {one.sha256}",
        ]
    )


def identity_json(one: Certificate) -> str:
    """Do the same as one JSON document."""
    lfdi = lfdi_of(one.der)
    return _json(
        {
            "subject": one.subject,
            "fingerprint_oadr20b": one.fingerprint,
            "lfdi": lfdi,
            "sfdi": sfdi_of(lfdi),
            "sha256": one.sha256,
            "test": one.is_test,
        }
    )


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def made(files: Sequence[tuple[str, str]], leaves: Sequence[tuple[Leaf, LeafFiles]]) -> str:
    """Say what each new file is for, and which fingerprints to hand over."""
    rows = list(files)
    for leaf, where in leaves:
        rows.append((str(where.certificate), f"{_USES[leaf.role]}, with its intermediate"))
        rows.append((str(where.key), "its private key, readable by you alone"))
    width = max(len(path) for path, _ in rows)
    lines = [
        "TEST certificates, for rehearsals only: the gateway refuses them unless test_mode = true in [gateway].",
        *(f"  {path:<{width}}  {purpose}" for path, purpose in rows),
        "Fingerprints to hand over (OpenADR 2.0b):",
        *(f"  {leaf.fingerprint}  {leaf.role} {leaf.name}" for leaf, _ in leaves),
    ]
    return "\n".join(lines)


def made_json(files: Sequence[tuple[str, str]], leaves: Sequence[tuple[Leaf, LeafFiles]]) -> str:
    """Do the same as one JSON document."""
    return _json(
        {
            "test": True,
            "files": [{"path": path, "purpose": purpose} for path, purpose in files],
            "certificates": [
                {
                    "role": leaf.role,
                    "name": leaf.name,
                    "certificate": str(where.certificate),
                    "key": str(where.key),
                    "fingerprint_oadr20b": leaf.fingerprint,
                }
                for leaf, where in leaves
            ],
        }
    )
