"""The published contract: OpenAPI document, schema files, examples, routes."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from gateway.southbound.documents import ANSWERS
from gateway.southbound.examples import EXAMPLES
from gateway.southbound.openapi import openapi_bytes, openapi_document
from gateway.southbound.routes import ROUTES
from gateway.southbound.schemas import schema_files, write_schemas

PUBLISHED = Path(__file__).parents[2] / "schemas" / "intent" / "v1"
OPERATIONS = (
    "list_intents read_intent stream read_plan post_ack post_commitment post_rejection post_progress post_completion "
    "post_telemetry post_heartbeat list_statements read_statement list_webhooks list_attempts test_webhook "
    "resend_webhook read_keys read_openapi health_live health_ready read_metrics"
)


@pytest.mark.spec("OpenAPI 3.1.1")
def test_the_document_is_valid_openapi() -> None:
    validate(openapi_document())
    assert openapi_document()["openapi"] == "3.1.1"


def test_the_document_is_the_same_every_time() -> None:
    assert openapi_bytes() == openapi_bytes()


def test_operation_ids_never_change() -> None:
    assert [route.operation for route in ROUTES] == OPERATIONS.split()


def test_outgoing_calls_are_described_with_their_headers_and_documents() -> None:
    document = openapi_document()
    deliver = document["webhooks"]["document"]["post"]
    headers = {each["name"] for each in deliver["parameters"]}
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= headers
    media = deliver["requestBody"]["content"]["application/cloudevents+json"]
    named = {each["$ref"].split("/")[-1] for each in media["schema"]["anyOf"]}
    assert named == {"IntentEvent", "PlanEvent", "ThinEvent"}
    assert named <= set(document["components"]["schemas"])
    assert "options" in document["webhooks"]["document"]


def test_no_schema_exists_in_two_shapes() -> None:
    names = openapi_document()["components"]["schemas"]
    assert not [name for name in names if name.endswith(("-Input", "-Output"))]


def test_every_parameter_of_a_path_is_described_and_required() -> None:
    for path, operations in openapi_document()["paths"].items():
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in operations.values():
            given = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert given == named
            assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")


def examples() -> list[tuple[str, dict[str, Any]]]:
    operations = [each for path in openapi_document()["paths"].values() for each in path.values()]
    bodies = [
        body
        for each in operations
        for body in (each.get("requestBody", {}), *each["responses"].values())
    ]
    media = [each for body in bodies for each in body.get("content", {}).values()]
    shown = [each for each in media if "example" in each]
    return [(each["schema"]["$ref"].split("/")[-1], each["example"]) for each in shown]


def test_every_example_holds_against_its_schema() -> None:
    document = openapi_document()
    shown = examples()
    assert {name for name, _ in shown} == {model.__name__ for model in EXAMPLES}
    for name, example in shown:
        schema = {**document["components"]["schemas"][name], "components": document["components"]}
        Draft202012Validator(schema).validate(example)


def test_schema_files_equal_the_models() -> None:
    published = {path.name: path.read_bytes() for path in PUBLISHED.iterdir()}
    assert published == schema_files(), (
        "run: python -m gateway.southbound.schemas schemas/intent/v1"
    )


def test_schema_files_are_written_as_they_are(tmp_path: Path) -> None:
    names = write_schemas(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(names)


def test_schemas_are_json_schema_and_refuse_or_allow_new_fields_as_promised() -> None:
    for name, content in schema_files().items():
        schema = orjson.loads(content)
        Draft202012Validator.check_schema(schema)
        closed = schema.get("additionalProperties") is False
        assert closed == (name.split(".")[0] in ANSWERS), name


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda model: str(model.__name__))
def test_decimals_are_strings_and_durations_iso_8601(model: Any) -> None:
    def walk(value: object) -> None:
        assert not isinstance(value, float)
        for item in value.values() if isinstance(value, dict) else ():
            walk(item)
        for item in value if isinstance(value, list) else ():
            walk(item)

    walk(EXAMPLES[model])
    assert model.model_validate(EXAMPLES[model])
