"""Finds the cases: every ``Case`` that a module of ``conformance.cases`` defines, by id."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from conformance import cases
from conformance.engine.errors import SuiteError
from conformance.kit.case import Case


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


@cache
def catalogue() -> Mapping[str, Case]:
    """Return every case by id, sorted.

    Raises:
        SuiteError: an id stands twice.
    """
    found: dict[str, Case] = {}
    for module in _modules(cases):
        for value in vars(module).values():
            if isinstance(value, Case) and found.setdefault(value.id, value) is not value:
                raise SuiteError(f"case {value.id} stands twice")
    return dict(sorted(found.items()))


def profile_of(case: Case) -> str:
    """Return e.g. ``oadr20b`` from ``OADR20B-VEN-EVT-014``."""
    return case.id.split("-")[0].lower()


def role_of(case: Case) -> str:
    """Return e.g. ``ven``."""
    return case.id.split("-")[1].lower()
