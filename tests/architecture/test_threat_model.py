"""What the threat model says of tests is true: each one that it names exists, and each threat names one."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MODEL: Final = (ROOT / "THREAT_MODEL.md").read_text()
SECURITY: Final = (ROOT / "SECURITY.md").read_text()


def written() -> set[str]:
    """Every test function of the project."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE))
    return found


def test_each_test_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", MODEL))

    assert named - written() == set()
    assert len(named) >= 50


def test_each_threat_names_what_stands_against_it_a_test_and_what_is_left() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in MODEL.splitlines()
        if line.startswith("| ")
    ]
    threats = [row for row in rows if len(row) == 4 and row[0] != "Threat"]

    assert len(threats) >= 30
    for threat in threats:
        assert "`test_" in threat[2], threat[0]
        assert all(threat), threat[0]


def test_what_is_from_memory_says_so_and_nobody_claims_conformity() -> None:
    lines = [
        line for line in MODEL.splitlines() if line.startswith("| ") and "Frameworks" not in line
    ]
    for name in ("NISTIR 7628", "IEC 62351", "NERC CIP", "UL 2900", "SunSpec"):
        assert any(name in line and "[mem]" in line for line in lines)
    for text in (MODEL, SECURITY):
        assert not re.search(r"\b(certified|compliant)\b", text, re.IGNORECASE)
        assert not re.search(r"[\w.]+@[\w.]+", text)


def test_the_files_that_security_points_at_exist() -> None:
    for name in re.findall(r"\]\(([\w./]+)\)", SECURITY):
        assert (ROOT / name).is_file()
    assert (ROOT / "docs" / "operations" / "runbook.md").is_file()
