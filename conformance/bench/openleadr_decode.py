"""Child program: how long openleadr takes to validate and parse documents.

Reads a JSON object of name to document (text) from standard input and writes name to milliseconds; its argument is the
part of the usual time, 10 a tenth. It runs in a process of its own, so that neither side's modules or garbage weigh on
the other.
"""

import json
import sys
from functools import partial

from openleadr.messaging import parse_message, validate_xml_schema

from conformance.bench.machine import best_ms


def receive(body: bytes) -> object:
    """Do what openleadr does with a body it received: validate it against the schema, then parse it to a dict."""
    validate_xml_schema(body)
    return parse_message(body)


def main() -> None:
    """Measure every document."""
    documents = {name: text.encode() for name, text in json.load(sys.stdin).items()}
    share = int(sys.argv[1])
    found = {name: best_ms(partial(receive, body), share) for name, body in documents.items()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
