"""Every transaction of the gateway says what it is for, so that a crash can be tried around each of them."""

import ast
from pathlib import Path

from gateway.domain.points import BESIDE, PHASES, Step, all_points

GATEWAY = Path(__file__).parents[2] / "gateway"
STORES = {"store", "database"}


def writes(tree: ast.AST) -> list[ast.Call]:
    """Find calls of ``….store.write`` and ``….database.write``."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "write"
        and _last_name(node.func.value) in STORES
    ]


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr.removeprefix("_")
    return node.id.removeprefix("_") if isinstance(node, ast.Name) else ""


def names_its_step(call: ast.Call) -> bool:
    return len(call.args) > 1 or any(keyword.arg == "step" for keyword in call.keywords)


def test_every_write_of_the_gateway_names_its_step() -> None:
    texts = {path.relative_to(GATEWAY): path.read_text() for path in GATEWAY.rglob("*.py")}
    found = {
        # What never names a method called so has no call of it: most files need not be parsed.
        path: writes(ast.parse(text))
        for path, text in texts.items()
        if ".write" in text
    }
    silent = [
        f"{path}:{call.lineno}"
        for path, calls in found.items()
        for call in calls
        if not names_its_step(call)
    ]

    assert sum(map(len, found.values())) >= 12
    assert silent == []


def test_a_write_without_a_step_is_found() -> None:
    (bare,) = writes(ast.parse("await self.office.store.write(job)"))
    (named,) = writes(ast.parse("await store.write(job, step=Step.ACK)"))

    assert not names_its_step(bare)
    assert names_its_step(named)


def test_points_are_many_and_each_stands_once() -> None:
    points = all_points()

    assert len(points) >= 40
    assert len(set(points)) == len(points)
    for step in set(Step) - BESIDE:
        assert {f"{step}.{phase}" for phase in PHASES} <= set(points)
