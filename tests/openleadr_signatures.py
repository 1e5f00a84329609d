"""Child program: lets openleadr sign messages, and judge ours; run it with ``python -m tests.openleadr_signatures``.

Standard input: a JSON object with ``chain`` and ``key`` (PEM), ``fingerprint`` and ``ours`` (name to document).
Standard output: ``written`` (name to signed document) and ``judged`` (name to its verdict, ``ok`` for a good one).
"""

import json
import sys

from openleadr.messaging import create_message, validate_xml_schema, validate_xml_signature

from tests.openleadr_messages import MESSAGES


def judged(text: str, fingerprint: str) -> str:
    """Return ``ok``, or what openleadr has against a document."""
    try:
        validate_xml_signature(validate_xml_schema(text.encode()), cert_fingerprint=fingerprint)
    except Exception as error:  # noqa: BLE001 - whatever it raises is its verdict
        return f"{type(error).__name__}: {error}"
    return "ok"


def main() -> None:
    """Sign every message and judge every document handed in."""
    given = json.load(sys.stdin)
    cert, key = given["chain"].encode(), given["key"].encode()
    json.dump(
        {
            "written": {
                kind: create_message(kind, cert=cert, key=key, **payload)
                for kind, payload in MESSAGES.items()
            },
            "judged": {
                name: judged(text, given["fingerprint"]) for name, text in given["ours"].items()
            },
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
