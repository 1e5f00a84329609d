"""The published forms of what a run leaves behind, as JSON Schema (draft 2020-12): for who reads them by program.

The word ``…/1`` in a file names the form; a change that an old reader would not understand raises it.
"""

import json
from collections.abc import Mapping
from typing import Final

from conformance.engine.data import Model
from conformance.engine.judging import Verdicts
from conformance.engine.reports.document import SCHEMA, Report
from conformance.engine.runfile import RUN_SCHEMA, RunFile

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FORMS: Final[Mapping[str, tuple[str, type[Model]]]] = {
    "report": (SCHEMA, Report),
    "verdicts": ("gridgate-conformance-verdicts/1", Verdicts),
    "run": (RUN_SCHEMA, RunFile),
}
"""Name -> word of the form, and its model: ``report.json``, ``verdicts.json``, ``run.json``."""


def schema_of(name: str) -> dict[str, object]:
    """Return the schema of a form.

    Args:
        name: One of ``FORMS``.
    """
    word, model = FORMS[name]
    found = model.model_json_schema()
    return {"$schema": _DIALECT, "$id": f"urn:{word.replace('/', ':')}", **found}


def text_of(name: str) -> str:
    """Return the schema of a form as it is published."""
    return json.dumps(schema_of(name), indent=1, ensure_ascii=False) + "\n"
