"""Any document, for any caller."""

import copy
import hashlib
from collections.abc import Mapping

from lxml import etree
from lxml.etree import _Element as Element

from conformance.reference.sep2server.access import admit
from conformance.reference.sep2server.paging import page
from conformance.reference.sep2server.paths import Ids
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.view import Lister, View


def read(view: View, name: str, ids: Ids, query: Mapping[str, str] | None) -> Element:
    """Return a document; None as query: a list whole.

    Raises:
        RefusedError: 403 or 404, see ``admit``; 404 for what is not there, 400 for a query that means nothing.
    """
    admit(view.memory, view.reach, name, ids)
    lister = view.lists.get(name)
    if lister is not None:
        return _list(view, lister, name, ids, query)
    found = view.makers[name](view, ids)
    if found is None:
        raise RefusedError(404)
    return found


def _list(
    view: View, lister: Lister, name: str, ids: Ids, query: Mapping[str, str] | None
) -> Element:
    rows = view.rows(name, ids)
    shown = rows if query is None else page(rows, query)
    counts: dict[str, object] = {"all": len(rows), "results": len(shown)}
    if lister.subscribable:
        counts["subscribable"] = 1
    root = view.document(name, ids, {}, counts)
    for row in shown:
        member = view.makers[lister.member](view, row.ids)
        if member is not None:
            root.append(member)
    return root


def digest(document: Element) -> str:
    """Return what tells two states of a resource apart: how long the lists below it are is none of that."""
    bare = copy.deepcopy(document)
    for child in bare.iterdescendants(etree.Element):
        if child.get("href") and "all" in child.attrib:
            del child.attrib["all"]
    return hashlib.sha256(etree.tostring(bare, method="c14n")).hexdigest()
