"""A program that judges and verifies a record with the gateway and the test PKI out of reach: ``… FOLDER``."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_SHUT = ("gateway", "certs", "aiohttp")


class Shut:
    """Refuses to find the packages that no verdict may need."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse, or leave it to the next finder."""
        del path, target
        if name.split(".", maxsplit=1)[0] in _SHUT:
            raise ImportError(f"{name} is out of reach here")
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, Shut())
    from conformance.engine.conclude import rejudged
    from conformance.engine.sealed import verify

    folder = Path(sys.argv[1])
    sys.stdout.write(f"{len(verify(folder).faults)} faults, {rejudged(folder).verdict}\n")
