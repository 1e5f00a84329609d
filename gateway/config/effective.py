"""Effective settings as flat text: key -> value, defaults included; they hold paths of secrets, never secrets."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.config.load import Loaded
from gateway.protocols.registry import PROTOCOLS

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s@?]*@")


def effective_document(loaded: Loaded) -> dict[str, Any]:
    """Return the settings as a JSON document, the protocols' own options included."""
    settings = loaded.settings
    document = settings.model_dump(mode="json")
    for shown, utility in zip(document["utility"], settings.utility, strict=True):
        own = PROTOCOLS[utility.protocol].read_options(utility.options)
        shown.update(own.model_dump(mode="json"))
    hidden: dict[str, Any] = _hidden(document)
    return hidden


def shown_url(url: str) -> str:
    """Write a URL without what may be a secret in it: user info is hidden, a query becomes a digest of itself."""
    url = _USER_INFO.sub("***@", url)
    before, mark, query = url.partition("?")
    if not mark:
        return url
    return f"{before}?***{hashlib.sha256(query.encode()).hexdigest()[:8]}"


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return shown_url(value) if isinstance(value, str) and _URL.match(value) else value


def effective(loaded: Loaded) -> Mapping[str, str]:
    """Return the settings, key -> text, named as in the file: ``site.phx-1.contracted_import_kw``."""
    return dict(_leaves("", effective_document(loaded)))


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(f"{name}.{_named(inner, place)}", inner)
    else:
        yield name, json.dumps(value)


def _named(inner: object, place: int) -> str:
    """Name an entry of a list by its own name, so that moving it in the file changes nothing."""
    if not isinstance(inner, dict):
        return str(place)
    names = [inner.get("utility"), inner.get("id") or inner.get("name")]
    return "/".join(str(name) for name in names if name) or str(place)
