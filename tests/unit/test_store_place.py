"""A store lies on a local disk or not at all."""

from pathlib import Path

import pytest

from gateway.database.place import refuse_remote, write_anew
from gateway.domain.errors import StoreError

MOUNTS = r"""
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:25 / /srv rw,relatime - nfs4 nas:/srv rw
31 30 254:1 / /srv/fast rw,relatime - xfs /dev/vdb rw
32 21 0:26 / /mnt/two\040words rw,relatime - fuse.sshfs host: rw
33 21 0:27 / /over rw,relatime - nfs nas:/over rw
34 33 254:2 / /over rw,relatime - ext4 /dev/vdc rw
""".strip()


@pytest.mark.parametrize("folder", ["/srv", "/srv/gridgate", "/mnt/two words/x"])
def test_a_network_disk_is_refused(folder: str) -> None:
    with pytest.raises(StoreError, match=r"REMOTE_DISK: .*use a local disk"):
        refuse_remote(Path(folder), MOUNTS)


def refused(folder: Path, mounts: str | None = None) -> bool:
    try:
        refuse_remote(folder, mounts)
    except StoreError:
        return True
    return False


@pytest.mark.parametrize("folder", ["/", "/var/lib", "/srv/fast/x", "/srvx", "/over"])
def test_a_local_disk_is_fine(folder: str) -> None:
    assert not refused(Path(folder), MOUNTS)


@pytest.mark.parametrize("mounts", ["", "garbage", "1 2 3 - "])
def test_an_unreadable_list_of_mounts_refuses_nothing(mounts: str) -> None:
    assert not refused(Path("/srv"), mounts)


def test_the_folder_of_this_test_is_local(tmp_path: Path) -> None:
    assert not refused(tmp_path.resolve())


def test_a_file_is_written_over_itself_and_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "log"
    content = bytes(range(256)) * 8192 + b"end"
    file.write_bytes(content)
    write_anew(file)
    assert file.read_bytes() == content
    write_anew(tmp_path / "not-there")
    assert not (tmp_path / "not-there").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with pytest.raises(StoreError, match="CANNOT_OPEN"):
        write_anew(folder)
