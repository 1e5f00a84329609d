"""PICS: what a kind of device may claim (proforma), and what one device claims (statement)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal

from conformance.engine.applies import compiled
from conformance.engine.data import FOLDER, Model, load
from conformance.engine.errors import SuiteError


class Item(Model):
    """One row of a proforma."""

    id: str
    text: str
    clause: str = ""
    status: str
    """``M``, ``O``, ``NA``, ``X``, ``O.i`` (at least one of the group), ``C: expression`` (mandatory if it holds)."""
    values: tuple[str, ...] = ()
    """Values that may be given; empty: none."""


class Proforma(Model):
    """All rows for one role."""

    profile: str
    role: str
    items: tuple[Item, ...]

    @property
    def by_id(self) -> Mapping[str, Item]:
        """Return the rows by id."""
        return {item.id: item for item in self.items}


class Claim(Model):
    """What a device claims of one item."""

    support: Literal["yes", "no"]
    values: tuple[str, ...] = ()


class Pics(Model):
    """The statement of one device."""

    vendor: str
    product: str
    version: str
    hardware: str = ""
    profile: str
    role: str
    items: dict[str, Claim]

    @property
    def support(self) -> Mapping[str, Sequence[str] | None]:
        """Return item -> values, None where it is not supported."""
        return {name: c.values if c.support == "yes" else None for name, c in self.items.items()}


@cache
def proforma(profile: str, role: str) -> Proforma:
    """Return the bundled proforma of a role."""
    return load(FOLDER / profile / f"{role}.proforma.yaml", Proforma)


def contradictions(pics: Pics, form: Proforma) -> list[str]:
    """Return what is wrong with a statement, so that a run stops before any traffic."""
    found = []
    if (pics.profile, pics.role) != (form.profile, form.role):
        found.append(f"it is for {pics.profile} {pics.role}, not {form.profile} {form.role}")
    found += [f"{name}: not filled in" for name in ("vendor", "product") if not getattr(pics, name)]
    known = form.by_id
    found += [f"{name}: there is no such item" for name in pics.items if name not in known]
    found += [f"{name}: not answered" for name in known if name not in pics.items]
    for item in form.items:
        claim = pics.items.get(item.id)
        if claim is not None:
            found += _against(item, claim, pics)
    return found + _groups(form.items, pics)


def _against(item: Item, claim: Claim, pics: Pics) -> Iterable[str]:
    yes = claim.support == "yes"
    if item.status == "M" and not yes:
        yield f"{item.id}: mandatory, answered no"
    if item.status in ("X", "NA") and yes:
        yield f"{item.id}: must not be supported, answered yes"
    if item.status.startswith("C:") and not yes and compiled(item.status[2:])(pics.support):
        yield f"{item.id}: mandatory because{item.status[2:]}, answered no"
    strange = [v for v in claim.values if item.values and v not in item.values]
    if strange:
        yield f"{item.id}: {', '.join(strange)} is none of {', '.join(item.values)}"
    if yes and item.values and not claim.values:
        yield f"{item.id}: which of {', '.join(item.values)}?"


def _groups(items: Sequence[Item], pics: Pics) -> list[str]:
    groups: dict[str, list[str]] = {}
    for item in items:
        if item.status.startswith("O."):
            groups.setdefault(item.status, []).append(item.id)
    return [
        f"{', '.join(names)}: at least one must be supported ({group})"
        for group, names in groups.items()
        if all(pics.support.get(name) is None for name in names)
    ]


def checked(pics: Pics) -> Pics:
    """Return a statement without contradictions.

    Raises:
        SuiteError: naming all of them.
    """
    found = contradictions(pics, proforma(pics.profile, pics.role))
    if found:
        raise SuiteError("the PICS contradicts itself or the profile: " + "; ".join(found))
    return pics


def template(form: Proforma) -> str:
    """Write a statement to be filled in."""
    lines = [
        "# Statement of what the device supports. Fill in every item: support: yes or no.",
        'vendor: ""',
        'product: ""',
        'version: ""',
        'hardware: ""',
        f"profile: {form.profile}",
        f"role: {form.role}",
        "items:",
    ]
    for item in form.items:
        choice = f"; values: {', '.join(item.values)}" if item.values else ""
        lines.append(f"  # {item.text} [{item.clause}] status {item.status}{choice}")
        answer = "no" if item.status in ("X", "NA") else "yes"
        values = f", values: [{item.values[0]}]" if item.values and answer == "yes" else ""
        lines.append(f"  {item.id}: {{support: {answer}{values}}}")
    return "\n".join(lines) + "\n"
