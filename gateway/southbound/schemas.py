"""The published contract as JSON Schema files.

``python -m gateway.southbound.schemas schemas/intent/v1`` writes them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import BaseModel

from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.plan import EffectivePlan
from gateway.southbound.documents import ANSWERS, IntentEvent, PlanEvent, ResetEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WRITTEN: Final[Mapping[str, type[BaseModel]]] = {
    "intent": ComputeFlexIntent,
    "plan": EffectivePlan,
    "intent-event": IntentEvent,
    "plan-event": PlanEvent,
    "reset-event": ResetEvent,
}
"""What the gateway writes: open to new optional fields."""


def schema_files() -> dict[str, bytes]:
    """Return file name -> content of every schema of version 1."""
    files = {
        f"{name}.schema.json": _schema(name, model, "serialization")
        for name, model in _WRITTEN.items()
    }
    files |= {
        f"{name}.schema.json": _schema(name, model, "validation") for name, model in ANSWERS.items()
    }
    return files


def write_schemas(folder: Path) -> tuple[str, ...]:
    """Write every schema file into a folder; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = schema_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return tuple(files)


def _schema(
    name: str, model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> bytes:
    body = model.model_json_schema(mode=mode)
    whole = {"$schema": DIALECT, "$id": f"urn:gridgate:schema:intent:v1:{name}", **body}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
