"""The schema set is found without importing the package that carries it, and compiled without a network."""

import subprocess
import sys

from gateway.transport.schemas import load_oadr20b_schema, oadr20b_entry


def test_the_entry_file_is_found_and_compiles() -> None:
    assert oadr20b_entry().name == "oadr_20b.xsd"
    assert load_oadr20b_schema() is not load_oadr20b_schema()


def test_loading_does_not_import_the_package() -> None:
    program = (
        "import sys; from gateway.transport.schemas import load_oadr20b_schema; load_oadr20b_schema();"
        "sys.exit('openleadr' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
