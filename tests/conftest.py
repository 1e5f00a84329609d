"""What every run of the suite shares."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _not_searched_again() -> Iterator[None]:
    """Take what a module has left (caches, compiled schemas) out of the collector's view.

    Else each later collection walks through all of it, and the last tests of a long run take a hundred times as long.
    """
    yield
    gc.collect()
    gc.freeze()
