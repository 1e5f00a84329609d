"""``junit.xml``: one testcase per case; failure for FAIL, error for ERROR, skipped for SKIP and INCONCLUSIVE."""

import re
from typing import Final

from lxml import etree

from conformance.engine.judging import Judged, Verdicts
from conformance.kit.verdict import Verdict
from conformance.kit.xml import Element

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT_OF: Final = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.SKIP: "skipped",
    Verdict.INCONCLUSIVE: "skipped",
}


def junit(verdicts: Verdicts) -> bytes:
    """Write the verdicts for a build server."""
    suite = etree.Element("testsuite", name=verdicts.plan, tests=str(len(verdicts.cases)))
    for word, names in (
        ("failures", (Verdict.FAIL,)),
        ("errors", (Verdict.ERROR,)),
        ("skipped", (Verdict.SKIP, Verdict.INCONCLUSIVE)),
    ):
        suite.set(word, str(sum(case.verdict in names for case in verdicts.cases)))
    suite.extend([_case(case) for case in verdicts.cases])
    return etree.tostring(suite, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _case(row: Judged) -> Element:
    area = ".".join(row.case.split("-")[:3])
    found = etree.Element("testcase", classname=area, name=row.case, time=f"{row.took_s:.3f}")
    name = _ELEMENT_OF.get(row.verdict)
    if name is not None:
        child = etree.SubElement(found, name)
        child.set("message", _FORBIDDEN.sub("?", f"{row.verdict}: {row.cause}"))
        child.text = _FORBIDDEN.sub("?", "\n".join(f.observed for f in row.findings))
    elif row.cause:
        etree.SubElement(found, "system-out").text = _FORBIDDEN.sub("?", row.cause)
    return found
