"""What holds for every test."""

import gc


def pytest_collection_finish() -> None:
    """Take a million objects of collected tests out of every search for garbage: they stay to the end anyway."""
    gc.freeze()
