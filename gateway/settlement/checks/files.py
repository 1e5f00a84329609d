"""Are the files the ones that the manifest lists, and does the manifest follow from them?"""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from gateway.domain.canonical import read_json
from gateway.domain.errors import WireError
from gateway.settlement.bundle import LARGEST_FILE, Bundle
from gateway.settlement.evidence import MANIFEST, manifest_of
from gateway.settlement.finding import Finding, incomplete, malformed, mismatch


def files_are_as_listed(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Compare every file with its hash in the manifest."""
    if MANIFEST not in files:
        return
    try:
        manifest = read_json(files[MANIFEST], largest=LARGEST_FILE)
    except WireError as error:
        yield malformed("files", MANIFEST, error.detail)
        return
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(listed, dict):
        yield malformed("files", MANIFEST, "there is no list of files in it")
        return
    present = {name: body for name, body in files.items() if name != MANIFEST}
    for name in sorted(listed.keys() - present.keys()):
        yield incomplete("files", name[:80], "the manifest lists it, the bundle lacks it")
    for name in sorted(present.keys() - listed.keys()):
        yield mismatch("files", name[:80], "the manifest does not list it")
    for name in sorted(present.keys() & listed.keys()):
        if sha256(present[name]).hexdigest() != listed[name]:
            yield mismatch("files", name, "its SHA-256 is not the one in the manifest")


def manifest_follows(bundle: Bundle) -> Iterator[Finding]:
    """Write the manifest again from the other files: it may claim nothing of its own."""
    if manifest_of(bundle.files, bundle.result, bundle.heads) != bundle.files[MANIFEST]:
        yield mismatch("files", MANIFEST, "it does not follow from the other files")
