"""The alert rules of the project, read and evaluated: each is one comparison."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
RULES: Final = ROOT / "docs" / "operations" / "alerts.yml"
RUNBOOK: Final = ROOT / "docs" / "operations" / "runbook.md"
_EXPR: Final = re.compile(
    r"(?P<over>increase|abs)?\(?(?P<name>\w+)(\{(?P<labels>[^}]*)\})?(\[\w+\])?\)? "
    r"(?P<how>[<>]) (?P<bound>-?[\d.]+)"
)
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Rule:
    """One alert, whose expression is one comparison."""

    alert: str
    expr: str
    runbook: str

    def fires(self, before: Values, after: Values) -> bool:
        """Evaluate the comparison on two scrapes."""
        found = _EXPR.fullmatch(self.expr)
        assert found is not None, f"{self.alert}: keep to one comparison: {self.expr}"
        wanted = frozenset(
            (name, value.strip('"'))
            for name, _, value in (
                part.partition("=") for part in (found["labels"] or "").split(",") if part
            )
        )
        for (name, labels), now in after.items():
            if name == found["name"] and wanted <= labels:
                value = abs(now) if found["over"] == "abs" else now
                if found["over"] == "increase":
                    # As Prometheus has it: a series that was not there before shows no increase.
                    value = now - before.get((name, labels), now)
                bound = float(found["bound"])
                if value > bound if found["how"] == ">" else value < bound:
                    return True
        return False

    @property
    def metric(self) -> str:
        """The name of what is measured."""
        found = _EXPR.fullmatch(self.expr)
        assert found is not None, self.expr
        return found["name"]


def rules() -> list[Rule]:
    text = RULES.read_text()
    parts = text.split("- alert: ")[1:]
    return [
        Rule(
            alert=part.split("\n", 1)[0].strip(),
            expr=re.search(r"expr: '(.*)'", part)[1],  # type: ignore[index]  # a missing one fails
            runbook=re.search(r"runbook: (\S+)", part)[1],  # type: ignore[index]  # a missing one fails
        )
        for part in parts
    ]
