"""``gridgate evidence list`` and ``export --version``: the newest of each statement, and what it corrects."""

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.app.bootstrap import store_url
from gateway.app.ids import SystemIds
from gateway.cli.main import app
from gateway.config.load import load
from gateway.domain.settlement import (
    Correction,
    CorrectionReason,
    SettlementStatement,
    StatementStatus,
)
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import from_zip
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import verify
from gateway.store.open import open_store
from tests.cli_world import filled, installation
from tests.store_samples import NOW


def corrected(config: Path) -> tuple[SettlementStatement, SettlementStatement]:
    """Fill the store with a statement and one that corrects it."""
    first = filled(config)
    correction = Correction(
        corrects=1, sha256="0" * 64, reason=CorrectionReason.LATE_DATA, late=(3,)
    )
    totals = first.totals.model_copy(update={"payment": first.totals.payment + 1})
    second = first.model_copy(
        update={
            "version": 2,
            "status": StatementStatus.RESETTLED,
            "correction": correction,
            "totals": totals,
        }
    )

    async def put() -> None:
        async with await open_store(store_url(load(config)), ids=SystemIds()) as store:
            document = {"version": 2, "statement": second.model_dump(mode="json", by_alias=True)}
            await store.write(lambda work: work.statements.put(second))
            await store.write(
                lambda work: work.log.append("late", second.intent_id, {"telemetry": 3}, NOW)
            )
            await store.write(
                lambda work: work.log.append("settlement", second.intent_id, document, NOW)
            )

    asyncio.run(put())
    return first, second


def typed(config: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words, "-c", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_the_list_shows_the_newest_version_and_on_demand_the_trail(tmp_path: Path) -> None:
    config = installation(tmp_path)
    first, second = corrected(config)

    code, text = typed(config, "evidence", "list")
    assert code == 0
    assert f"{second.totals.payment:.2f} USD" in text
    assert "corrects version 1 (late_data)" in text
    assert second.id in text.splitlines()
    assert f"{first.totals.payment:.2f} USD" not in text
    _, text = typed(config, "evidence", "list", "--trail")
    assert f"{first.totals.payment:.2f} USD" in text
    assert text.count("no longer holds") == 1
    (one,) = json.loads(typed(config, "evidence", "list", "--json")[1])["statements"]
    assert (one["version"], one["corrects"], one["reason"]) == (2, 1, "late_data")
    assert [(v["version"], v["corrects"]) for v in one["trail"]] == [(1, None)]
    assert typed(config, "evidence", "list", "--site", "nowhere")[0] == 1


def test_an_earlier_version_is_exported_by_its_number(tmp_path: Path) -> None:
    config = installation(tmp_path)
    first, _ = corrected(config)
    out = tmp_path / "first.zip"

    assert typed(config, "evidence", "export", first.id, "--version", "1", "-o", str(out))[0] == 0
    verdict = verify(from_zip(out.read_bytes()), METHODS)
    assert verdict.outcome is Outcome.VERIFIED, verdict.findings
    assert verdict.statement == first
    other = str(tmp_path / "third.zip")
    assert typed(config, "evidence", "export", first.id, "--version", "3", "-o", other)[0] == 1
    assert not Path(other).exists()


def test_the_audit_says_what_came_late_and_what_was_corrected(tmp_path: Path) -> None:
    config = installation(tmp_path)
    corrected(config)

    told = json.loads(
        typed(config, "audit", "list", "--kind", "settlement", "--kind", "late", "--json")[1]
    )["acts"]
    assert [act["what"] for act in told] == ["settled", "came late", "corrected version 1"]
    assert "late_data" in told[-1]["why"]
    assert told[1]["why"] == "batch of record 3"
