"""Explain a chain: who issued whom, whether it holds, and what is wrong with it.

The files given are taken together as one chain: usually the chain that a peer sends (leaf, intermediates), with the
anchor or a private key beside it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.facts import Certificate, Fault, Key, contents
from certs.files import Found

_LEAST_BITS: Final = {"RSA": 2048, "ECC": 256}
"""OpenADR 2.0b, section 10.1."""
_SHA256: Final = "SHA-256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found out about one chain."""

    chain: tuple[Certificate, ...]
    """From the leaf upwards, as far as the issuers were among the files."""
    strays: tuple[Certificate, ...]
    """Certificates that do not belong to it."""
    complete: bool
    """Whether the chain ends at a root that was given."""
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def is_test(self) -> bool:
        """Say whether any certificate carries the test mark; the gateway then refuses it outside test mode."""
        return any(found.is_test for found in (*self.chain, *self.strays))


def explain(files: Iterable[Found], now: datetime) -> Report:
    """Explain the chain that the files hold together.

    Args:
        files: As read, in the order given by the user.
        now: Instant at which the chain must hold, aware.
    """
    found = [contents(file) for file in files]
    given = [certificate for file in found for certificate in file.certificates]
    keys = [key for file in found for key in file.keys]
    faults = [fault for file in found for fault in file.faults]
    pool = _distinct(given)
    if not pool:
        return Report(
            chain=(), strays=(), complete=False, faults=(*faults, *_key_alone(keys)), notes=()
        )
    chain = _chain(pool)
    strays = tuple(one for one in pool if one not in chain)
    end = _end_faults(chain, strays)
    faults += end
    faults += _order_faults(chain, given)
    faults += [fault for one in chain for fault in _own_faults(one, now)]
    faults += _link_faults(chain)
    faults += _key_faults(chain[0], keys)
    complete = chain[-1].is_self_issued
    # Above a gap nobody can tell which authorities belong: the gap is the fault, not they.
    faults += [_stray(one, chain[0]) for one in strays if complete or not one.is_authority]
    return Report(
        chain=chain,
        strays=strays,
        complete=complete,
        faults=tuple(faults),
        notes=() if complete or end else (_open_end(chain[-1]),),
    )


def _distinct(given: Iterable[Certificate]) -> list[Certificate]:
    seen: dict[bytes, Certificate] = {}
    for certificate in given:
        seen.setdefault(certificate.der, certificate)
    return list(seen.values())


def _chain(pool: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Follow the issuers from the leaf; a loop of issuers ends where it closes."""
    chain = [_leaf(pool)]
    while not chain[-1].is_self_issued:
        issuer = next((one for one in pool if one not in chain and _issued(one, chain[-1])), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain)


def _leaf(pool: Sequence[Certificate]) -> Certificate:
    """Choose where the chain begins: the first that is no authority, else the first that issued no other."""
    named = Counter(one.parsed.issuer for one in pool if not one.is_self_issued)
    unused = (one for one in pool if not named[one.parsed.subject])
    leaves = (one for one in pool if not one.is_authority)
    return next(leaves, next(unused, pool[0]))


def _issued(issuer: Certificate, subject: Certificate) -> bool:
    """Say whether the signature proves it; names alone prove nothing."""
    if issuer.parsed.subject != subject.parsed.issuer:
        return False
    try:
        subject.parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _end_faults(chain: Sequence[Certificate], strays: Sequence[Certificate]) -> list[Fault]:
    """Say why the chain ends where it does, unless that is at a root or may be just below one."""
    last = chain[-1]
    if last.is_self_issued:
        return _root_faults(last)
    namesake = next((one for one in strays if one.parsed.subject == last.parsed.issuer), None)
    if namesake is not None:
        return [_forged(last, namesake)]
    root = next((one for one in strays if one.is_self_issued), None)
    if not last.is_authority:
        what = f"its issuer is not there: {last.issuer}"
        fix = "append that authority's certificate to the chain file, after the one it issued"
        return [_fault("MISSING_INTERMEDIATE", last, what, fix)]
    if root is None:
        return []
    what = f"its issuer, {last.issuer}, is not there, and the root in {root.where} is another"
    fix = "append the missing intermediate to the chain file, or give the root of this hierarchy"
    return [_fault("MISSING_ISSUER", last, what, fix)]


def _root_faults(last: Certificate) -> list[Fault]:
    if not _issued(last, last):
        return [_forged(last, last)]
    if last.is_authority:
        return []
    what = "it is signed by its own key; no authority vouches for it"
    return [
        _fault("SELF_SIGNED", last, what, "have it issued by an authority that the peer trusts")
    ]


def _forged(subject: Certificate, namesake: Certificate) -> Fault:
    return Fault(
        code="WRONG_ISSUER",
        where=subject.where,
        what=f"it names {subject.issuer} as issuer, but the key of that name in {namesake.where} did not sign it",
        fix="use chain and anchor of one and the same hierarchy; it may have been made anew since, or this one altered",
    )


def _order_faults(chain: Sequence[Certificate], given: Sequence[Certificate]) -> list[Fault]:
    """Compare the order in the leaf's file with the one TLS asks for (RFC 5246, 7.4.2)."""
    file = chain[0].file
    rank = {one.der: place for place, one in enumerate(chain)}
    there = [one for one in given if one.file == file and one.der in rank]
    right = sorted(there, key=lambda one: rank[one.der])
    if there == right:
        return []
    wanted = ", ".join(str(one.position) for one in right)
    return [
        Fault(
            code="BROKEN_ORDER",
            where=str(file),
            what="the certificates do not follow each other from the leaf upwards",
            fix=f"put them in this order: {wanted}",
        )
    ]


def _own_faults(one: Certificate, now: datetime) -> list[Fault]:
    faults = []
    if now > one.end:
        what = f"it ended at {_text(one.end)}, before {_text(now)}"
        faults.append(_fault("EXPIRED", one, what, "have it issued anew"))
    if now < one.start:
        what = f"it begins at {_text(one.start)}, after {_text(now)}"
        faults.append(_fault("NOT_YET_VALID", one, what, "wait, or set this machine's clock right"))
    least = _LEAST_BITS.get(one.key.partition(" ")[0])
    if least is None or one.key_bits < least:
        what = (
            f"its key is {one.key}; RSA of 2048 bits or more, or ECC of 256 or more, is asked for"
        )
        faults.append(_fault("UNSUITABLE_KEY", one, what, "have it issued anew with such a key"))
    if not one.signature.endswith(_SHA256):
        what = f"it is signed with {one.signature}; SHA-256 is asked for"
        faults.append(_fault("UNSUITABLE_SIGNATURE", one, what, "have it issued anew with SHA-256"))
    return faults


def _link_faults(chain: Sequence[Certificate]) -> list[Fault]:
    """Check that each issuer was allowed to issue; ``depth`` is the number of authorities below it."""
    faults = []
    for depth, issuer in enumerate(chain[1:]):
        fix = "have the certificate below issued by a proper authority"
        if not issuer.is_authority:
            what = "it issued another certificate but is no authority"
            faults.append(_fault("NOT_AN_AUTHORITY", issuer, what, fix))
        elif issuer.path_length is not None and depth > issuer.path_length:
            what = f"{depth} authorities follow below it, and it allows {issuer.path_length}"
            faults.append(_fault("PATH_TOO_LONG", issuer, what, fix))
    return faults


def _key_faults(leaf: Certificate, keys: Iterable[Key]) -> list[Fault]:
    public = leaf.parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    faults = []
    for key in keys:
        if key.public != public:
            faults.append(
                Fault(
                    code="KEY_MISMATCH",
                    where=str(key.file),
                    what=f"this private key does not belong to {leaf.where}",
                    fix="name the key that was made with the certificate",
                )
            )
        faults += _exposure(key)
    return faults


def _exposure(key: Key) -> list[Fault]:
    if not key.exposed:
        return []
    return [
        Fault(
            code="KEY_EXPOSED",
            where=str(key.file),
            what="others than its owner can read this private key",
            fix=f"chmod 600 {key.file}",
        )
    ]


def _key_alone(keys: Sequence[Key]) -> list[Fault]:
    return [
        Fault(
            code="NO_CERTIFICATE",
            where=str(key.file),
            what="there is a private key but no certificate to compare it with",
            fix="name the certificate file too",
        )
        for key in keys
    ]


def _stray(one: Certificate, leaf: Certificate) -> Fault:
    return _fault(
        "STRAY",
        one,
        f"{one.subject or 'it'} is no part of the chain of {leaf.where}",
        "take it out of the file, or inspect it on its own",
    )


def _open_end(last: Certificate) -> str:
    return f"The root was not given, so nothing says yet that {last.issuer} is to be trusted."


def _fault(code: str, one: Certificate, what: str, fix: str) -> Fault:
    return Fault(code=code, where=one.where, what=what, fix=fix)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
