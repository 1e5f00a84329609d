"""Every reason word that the code raises has an error code, and a code means one thing for ever."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.cli.codes import page
from gateway.config.draft import WORDS
from gateway.database.failures import _REASONS
from gateway.domain import errors
from gateway.domain.codes.registry import CODE, PARTS, RETIRED, ROWS, by_reason, row_of
from gateway.domain.codes.row import Row
from gateway.domain.errors import GatewayError
from gateway.southbound.problem_table import TABLE

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "tests" / "data" / "error-codes-released.txt"
WORD = re.compile(r"[A-Z][A-Z0-9_]*")
VARIABLE = {
    "gateway/database/failures.py": {word for word, _ in _REASONS.values()},
    "gateway/northbound/exchange.py": {"STATUS_503"},
    "gateway/config/draft.py": {
        *("UNKNOWN_KEY", "MISSING_KEY", "WRONG_VALUE", "CONTRADICTION", "UNUSABLE_FILE"),
        *WORDS.values(),
    },
}
"""Files that raise a word which is no literal: every word that they can raise."""
PASSED_ON = "reason"
"""``SomeError(error.reason, …)`` raises nothing new: the word was raised, and found, elsewhere."""


@cache
def _nodes() -> dict[str, list[ast.ClassDef | ast.Call]]:
    """Return the classes and calls of every file, found when a test asks: who merely collects need not wait."""
    return {
        path.relative_to(ROOT).as_posix(): [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef | ast.Call)
        ]
        for package in ("gateway", "certs", "conformance")
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


@cache
def _kinds() -> dict[str, type[GatewayError]]:
    """Return every class of the tree by name, those of other modules as the class of the tree that they refine."""
    known = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, GatewayError)
    }
    classes = [n for nodes in _nodes().values() for n in nodes if isinstance(n, ast.ClassDef)]
    for _ in range(4):  # as deep as the tree may ever be
        for found in classes:
            bases = [known[_name(base)] for base in found.bases if _name(base) in known]
            if bases:
                known.setdefault(found.name, bases[0])
    return known


def _raised() -> Iterator[tuple[str, int, type[GatewayError], ast.expr | None]]:
    """Yield (file, line, class, word) of every construction of an error or a fault."""
    kinds, self_made = _kinds(), _with_an_init_of_their_own()
    for file, nodes in _nodes().items():
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                if node.name not in self_made:
                    continue
                kind = kinds[node.name]
                for call in ast.walk(node):
                    if isinstance(call, ast.Call) and _is_super(call.func):
                        yield file, call.lineno, kind, _word(call, kind)
                continue
            name = _name(node.func)
            if name in kinds and name not in self_made:
                yield file, node.lineno, kinds[name], _word(node, kinds[name])
            if name == "Fault" and file.startswith("gateway/"):
                given = next((k.value for k in node.keywords if k.arg == "reason"), None)
                yield file, node.lineno, errors.ConfigError, given


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "__init__"
        and isinstance(node.value, ast.Call)
        and _name(node.value.func) == "super"
    )


def _with_an_init_of_their_own() -> set[str]:
    """Return the classes outside the tree's own module that give their word themselves."""
    return {
        node.name
        for file, nodes in _nodes().items()
        if file != "gateway/domain/errors.py"
        for node in nodes
        if isinstance(node, ast.ClassDef)
        and node.name in _kinds()
        and any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)
    }


def _word(call: ast.Call, kind: type[GatewayError]) -> ast.expr | None:
    place = 1 if issubclass(kind, errors.ConfigError) else 0
    named = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
    given = call.args[place] if len(call.args) > place else None
    if given is None and not named and place:
        return ast.Constant("CONFIG")
    return named[0] if named else given


def _words() -> Iterator[tuple[str, type[GatewayError], str]]:
    for file, line, kind, given in _raised():
        at = f"{file}:{line}"
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield at, kind, given.value
        elif file in VARIABLE:
            for word in VARIABLE[file]:
                yield at, kind, word
        else:
            known = isinstance(given, ast.Attribute | ast.Name | ast.BoolOp | ast.IfExp)
            assert known, f"{at}: give the reason as a literal, or list it in VARIABLE"
            assert given
            assert _name(given) == PASSED_ON, f"{at}: list what it raises in VARIABLE"


@cache
def _found() -> list[tuple[str, type[GatewayError], str]]:
    return list(_words())


def test_the_walk_finds_what_is_raised() -> None:
    words = {word for _, _, word in _found()}

    assert {"LOCKED", "STALE_REVISION", "FLUSH_FAILED", "INVALID_BODY", "UNREACHABLE"} <= words
    assert {"UNKNOWN_KEY", "NO_FILE", "NOT_TOML", "COMPLIANCE", "PRODUCTION_NAME"} <= words
    assert len(words) > 140


def test_every_reason_that_is_raised_has_a_code_for_its_class() -> None:
    without = [
        (at, kind.__name__, word) for at, kind, word in _found() if not by_reason(word, kind)
    ]

    assert without == [], "add a row in gateway/domain/codes, then `gridgate explain codes`"


def test_every_word_is_upper_case_and_every_code_has_the_form() -> None:
    assert [word for _, _, word in _found() if not WORD.fullmatch(word)] == []
    assert [row.code for row in ROWS if not CODE.fullmatch(row.code)] == []


def test_no_code_stands_for_two_things() -> None:
    codes = [row.code for row in ROWS]
    pairs = [(row.reason, kind) for row in ROWS for kind in row.kinds or (GatewayError,)]

    assert sorted(codes) == sorted(set(codes))
    assert len(pairs) == len(set(pairs))
    assert not set(codes) & set(RETIRED)


def test_a_code_that_was_released_keeps_its_reason() -> None:
    now = {row.code: row.reason for row in ROWS} | dict(RETIRED)
    released = dict(line.split() for line in RELEASED.read_text().splitlines())

    assert {code: now.get(code) for code in released} == released


def test_sites_are_answered_with_the_codes_that_they_always_had() -> None:
    codes = {reason: row.code for reason, row in TABLE.items()}

    assert codes["CONFLICT"] == "GG-4092"
    assert codes["BUSY"] == "GG-5031"
    assert codes["METER_DATA"] == "GG-4221"
    assert {reason: row.known.reason for reason, row in TABLE.items()} == {r: r for r in TABLE}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_a_row_says_what_why_and_the_fix(row: Row) -> None:
    assert row.title[0].isupper()
    assert not row.title.endswith(".")
    assert row.why.endswith(".")
    assert row.fix.strip()
    assert len(row.title) <= 60


def test_the_page_of_codes_is_what_the_table_says() -> None:
    written = (ROOT / "docs" / "error-codes.md").read_text()

    assert written == page(), "run: gridgate explain codes > docs/error-codes.md"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TransportError("BROKEN"), "GG-2003"),
        (errors.StoreError("BROKEN"), "GG-6009"),
        (errors.StoreError("BUSY"), "GG-6003"),
        (errors.StoreError("STALE_REVISION"), "GG-6027"),
        (errors.SessionError("STALE_REVISION"), "GG-4091"),
        (errors.TransportError("STATUS_503"), "GG-2006"),
        (errors.WireError("SCHEMA"), "GG-2108"),
        (errors.MisuseError("SCHEMA"), "GG-9002"),
        (errors.WireError("NEVER_LISTED"), "GG-4005"),
        (errors.StoreError("NEVER_LISTED"), "GG-6010"),
    ],
)
def test_one_word_of_two_classes_has_two_codes(error: GatewayError, code: str) -> None:
    assert row_of(error).code == code


def test_every_part_is_in_order() -> None:
    for part in PARTS:
        codes = [row.code for row in part.ROWS]
        assert codes == sorted(codes), part.__name__
