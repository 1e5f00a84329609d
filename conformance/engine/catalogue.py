"""Finds the cases: every ``Case``, and every tuple of them, that a module of ``conformance.cases`` defines, by id."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from conformance import cases
from conformance.engine.errors import SuiteError
from conformance.engine.profiles import profile_name
from conformance.kit.case import Case


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _defined(module: ModuleType) -> Iterator[Case]:
    for value in vars(module).values():
        rows = value if isinstance(value, tuple) else (value,)
        yield from (row for row in rows if isinstance(row, Case))


@cache
def catalogue() -> Mapping[str, Case]:
    """Return every case by id, sorted.

    Raises:
        SuiteError: an id stands twice.
    """
    found: dict[str, Case] = {}
    for module in _modules(cases):
        for case in _defined(module):
            if found.setdefault(case.id, case) is not case:
                raise SuiteError(f"case {case.id} stands twice")
    return dict(sorted(found.items()))


def profile_of(case: Case) -> str:
    """Return e.g. ``oadr20b`` from ``OADR20B-VEN-EVT-014``."""
    return profile_name(case.id)


def role_of(case: Case) -> str:
    """Return e.g. ``ven``."""
    return case.id.split("-")[1].lower()
