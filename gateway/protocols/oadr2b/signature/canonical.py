"""Canonical bytes of a part of a document, in the namespace context that it has there."""

from typing import Final

from lxml import etree

from gateway.domain.errors import IdentityError
from gateway.protocols.oadr2b.signature.names import C14N, C14N_COMMENTS
from gateway.protocols.xml import Element

METHODS: Final = frozenset({C14N, C14N_COMMENTS})
"""Forms that are accepted (rule 514). Comments never reach our trees, so a signature over some does not fit.

The exclusive form is not: it leaves out what prefixes in values mean, so that their meaning could be changed."""


def canonical(element: Element) -> bytes:
    """Write an element, without what follows it, in canonical form.

    Raises:
        IdentityError: ``SIGNATURE_SHAPE`` for what has no canonical form, e.g. a relative namespace.

    Spec: Canonical XML 1.0.
    """
    try:
        return etree.tostring(element, method="c14n", with_comments=False)
    except etree.C14NError:
        raise IdentityError(
            "SIGNATURE_SHAPE", "a part of the message has no canonical form"
        ) from None
