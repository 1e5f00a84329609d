"""Say what a 2030.5 identity is: to people, or as JSON values."""

from collections.abc import Sequence

from certs.files import LeafFiles
from certs.sep2.folder import Sep2Role
from certs.sep2.hierarchy import Sep2Leaf
from gateway.protocols.sep2.identity import sfdi_of, sfdi_text

Made = tuple[Sep2Role, Sep2Leaf, LeafFiles]
_USES = {
    Sep2Role.DEVICE: "identity of the device",
    Sep2Role.AGGREGATOR: "identity of the aggregator",
    Sep2Role.SEP2_SERVER: "identity of the utility's server",
    Sep2Role.BAD: "an identity that every peer must refuse",
}


def made(files: Sequence[tuple[str, str]], leaves: Sequence[Made]) -> str:
    """Say what each new file is for, and which identifiers to hand over."""
    rows = list(files)
    for role, _, where in leaves:
        rows.append((str(where.certificate), f"{_USES[role]}, with its intermediates"))
        rows.append((str(where.key), "its private key, readable by you alone"))
    width = max(len(path) for path, _ in rows)
    return "\n".join(
        [
            "TEST certificates, for rehearsals only: the gateway refuses them unless test_mode = true in [gateway].",
            *(f"  {path:<{width}}  {purpose}" for path, purpose in rows),
            "Identifiers to hand over (IEEE 2030.5: LFDI, SFDI):",
            *(
                f"  {leaf.lfdi}  {sfdi_text(sfdi_of(leaf.lfdi))}  {role} {leaf.name}"
                for role, leaf, _ in leaves
            ),
        ]
    )


def made_document(files: Sequence[tuple[str, str]], leaves: Sequence[Made]) -> dict[str, object]:
    """Do the same as JSON values."""
    return {
        "test": True,
        "files": [{"path": path, "purpose": purpose} for path, purpose in files],
        "certificates": [
            {
                "role": role,
                "name": leaf.name,
                "certificate": str(where.certificate),
                "key": str(where.key),
                "lfdi": leaf.lfdi,
                "sfdi": sfdi_of(leaf.lfdi),
            }
            for role, leaf, where in leaves
        ],
    }
