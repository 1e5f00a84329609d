"""GG-24nn: messages that prove, or fail to prove, who wrote them and when (OpenADR 2.0b high security)."""

from typing import Final

from gateway.domain.codes.row import Move, Row

_OP: Final = Move.OPERATOR
_UT: Final = Move.UTILITY
_ASK: Final = (
    "Ask the peer's operator how it signs; a message that was changed on its way looks the same."
)
ROWS: Final = (
    Row(
        "GG-2401",
        "SIGNATURE_MISSING",
        "The message is not signed",
        _UT,
        "High security was agreed at registration: then a message without a signature is ignored (rule 514).",
        "Have the peer sign every message, or set xml_signature = false in the [[utility]] section on both sides.",
    ),
    Row(
        "GG-2402",
        "SIGNATURE_SHAPE",
        "The signature is not built as OpenADR has it",
        _UT,
        "One signature, one signed object, two references, nothing else: other shapes hide what was really signed.",
        _ASK + " Where it stands behind the signed object, signature_last = true takes it.",
    ),
    Row(
        "GG-2403",
        "SIGNATURE_ALGORITHM",
        "The signature uses an algorithm that is not accepted",
        _UT,
        "RSA or ECDSA with SHA-256 over Canonical XML 1.0; SHA-1 only where the settings allow it.",
        "Ask the peer to sign with SHA-256; signature_sha1 = true takes SHA-1 meanwhile.",
    ),
    Row(
        "GG-2404",
        "SIGNATURE_REFERENCE",
        "The signature covers something else",
        _UT,
        "Its references must name the signed object and the ReplayProtect, each by a name that stands once.",
        _ASK,
    ),
    Row(
        "GG-2405",
        "SIGNATURE_DIGEST",
        "The message was changed after it was signed",
        _UT,
        "The digest of what arrived is not the signed one; signers that canonicalise a fragment alone cause it too.",
        _ASK,
    ),
    Row(
        "GG-2406",
        "SIGNATURE_VALUE",
        "The signature does not fit the key",
        _UT,
        "It was made with another key than that of the certificate, or changed.",
        _ASK,
    ),
    Row(
        "GG-2407",
        "SIGNATURE_CERTIFICATE",
        "The message is signed with an unknown certificate",
        _OP,
        "It must be the one of the TLS connection, or one that signature_fingerprints names.",
        "Ask the utility for the fingerprint of its signing certificate by another way, then name it there.",
    ),
    Row(
        "GG-2408",
        "SIGNATURE_KEY",
        "The signing certificate may not be used",
        _UT,
        "It is out of date, too weak (RSA below 2048, ECC below P-256), or not meant for signatures.",
        "Ask the peer to renew it; check both clocks.",
    ),
    Row(
        "GG-2411",
        "REPLAY_MISSING",
        "The signature has no time and nonce",
        _UT,
        "Without a readable ReplayProtect an old message could be sent again unnoticed.",
        "Ask the peer to sign with a ReplayProtect property, as OpenADR 2.0b demands.",
    ),
    Row(
        "GG-2412",
        "REPLAY_TIME",
        "The message was sent too long ago, or in the future",
        _OP,
        "The sending time in the signature is further from our clock than signature_window.",
        "Check this machine's time service:  timedatectl status  ; else tell the peer that its clock is off.",
    ),
    Row(
        "GG-2413",
        "REPLAY_SEEN",
        "The message came before",
        Move.NOBODY,
        "Time and nonce of its signature were used already: somebody sent a copy. It had no effect.",
        "Nothing; if it happens again and again, find out who can read your traffic.",
    ),
    Row(
        "GG-2414",
        "REPLAY_FULL",
        "Too many signed messages at once",
        Move.NOBODY,
        "The window of remembered messages is full; nothing is forgotten early to make room.",
        "Nothing: it empties within two minutes. If it stays, the peer sends far too often.",
    ),
    Row(
        "GG-2421",
        "SIGNING_KEY",
        "Our messages cannot be signed",
        _OP,
        "High security needs a certificate that may sign, and its unencrypted key, RSA from 2048 or ECC from P-256.",
        "Check certificate and key with  gridgate doctor  ; ask the authority for another certificate.",
    ),
    Row(
        "GG-2422",
        "SIGNING",
        "A message of ours could not be signed",
        Move.MAKERS,
        "Its text was not accepted by our own signer, e.g. because it is larger than any message may be.",
        "Send us the bundle of  gridgate support bundle -c FILE",
    ),
)
