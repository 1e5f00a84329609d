"""The standard's own XML schemas, found in an installed package without importing it."""

import hashlib
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lxml import etree

from conformance.kit.xml import parse

_PACKAGE: Final = "openleadr"
_ENTRY: Final = Path("schema") / "oadr_20b.xsd"
_SHOWN: Final = 5


class SchemaError(Exception):
    """The schema set is not there: a defect of the installation, never of the device."""


@cache
def _compiled() -> etree.XMLSchema:
    spec = find_spec(_PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        entry = Path(folder) / _ENTRY
        if entry.is_file():
            parser = etree.XMLParser(no_network=True, resolve_entities=False)
            return etree.XMLSchema(etree.parse(str(entry), parser))
    raise SchemaError(f"install the package {_PACKAGE}: its data files hold the 2.0b schemas")


@cache
def schema_digest() -> str:
    """Return the SHA-256 over the schema files, by which a run says what it was judged with."""
    spec = find_spec(_PACKAGE)
    found = hashlib.sha256()
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in sorted((Path(folder) / _ENTRY.parent).glob("*.xsd")):
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@lru_cache(maxsize=8192)
def body_faults(body: bytes) -> tuple[str, ...]:
    """Return what the OpenADR 2.0b schemas object to in a document, the first few; equal ones are judged once."""
    found = parse(body)
    if found.root is None:
        return (found.fault,)
    schema = _compiled()
    if schema.validate(found.root):
        return ()
    return tuple(str(schema.error_log).split("\n")[:_SHOWN])
