"""Judge a chain as a peer of IEEE 2030.5 does: what its profile asks for beyond what makes a chain hold.

Spec: IEEE 2030.5-2018 clause 6.11; CSIP COMM-004.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from certs.facts import Certificate, Fault
from certs.inspect import Report
from gateway.domain.errors import IdentityError
from gateway.transport.sep2_tls import Sep2Profile, judge_chain

_FIX: Final = "have it issued by an authority of the profile"
_TLS: Final = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


def judged(report: Report, profile: Sep2Profile) -> Report:
    """Return a report with what a peer of a profile objects to; chains of the web are left to web rules."""
    if not report.chain or profile is Sep2Profile.CSIP_AUS_CLOUD:
        return report
    faults = [fault for one in report.chain for fault in _strict(one, report.chain)]
    ders = [one.der for one in report.chain]
    if not report.complete:
        ders.append(ders[-1])  # the last one is no anchor, and is judged as what it is
    try:
        judge_chain(ders, profile)
    except IdentityError as error:
        leaf = report.chain[0]
        faults.append(Fault(code="NOT_OF_PROFILE", where=leaf.where, what=error.detail, fix=_FIX))
    return replace(report, faults=(*report.faults, *faults))


def _strict(one: Certificate, chain: Sequence[Certificate]) -> Iterator[Fault]:
    """Yield what a strict reader of RFC 5280 refuses, which every peer of 2030.5 has to be."""
    for code, what in _objections(one.parsed, leaf=one is chain[0]):
        if not (code == "NO_AUTHORITY_KEY" and one.is_self_issued):
            yield Fault(code=code, where=one.where, what=what, fix=_FIX)


def _objections(one: x509.Certificate, *, leaf: bool) -> Iterator[tuple[str, str]]:
    present = {extension.oid: extension for extension in one.extensions}
    for extension in present.values():
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            yield (
                "UNKNOWN_CRITICAL",
                f"nobody knows its critical extension {extension.oid.dotted_string}",
            )
    if ExtensionOID.AUTHORITY_KEY_IDENTIFIER not in present:
        yield "NO_AUTHORITY_KEY", "it does not say by which key it was signed"
    if not leaf:
        yield from _of_authority(present)
        return
    names = present.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    if not one.subject.rdns and (names is None or not names.critical):
        told = "no name at all" if names is None else "its only name is not critical"
        yield "NO_CRITICAL_NAME", f"without a subject, {told}"
    purposes = present.get(ExtensionOID.EXTENDED_KEY_USAGE)
    if purposes is not None and not _TLS & set(_purposes(purposes.value)):
        yield (
            "OTHER_PURPOSE",
            "its extended key usage is neither that of a TLS client nor of a server",
        )


def _of_authority(
    present: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]],
) -> Iterator[tuple[str, str]]:
    usage = present.get(ExtensionOID.KEY_USAGE)
    if (
        usage is not None
        and isinstance(usage.value, x509.KeyUsage)
        and not usage.value.key_cert_sign
    ):
        yield "MAY_NOT_SIGN", "it issued another certificate, and its key usage does not allow it"


def _purposes(value: x509.ExtensionType) -> tuple[x509.ObjectIdentifier, ...]:
    return tuple(value) if isinstance(value, x509.ExtendedKeyUsage) else ()
