"""`[[site.webhook]]`: every mistake is told, with its line and the fix, before anything is sent anywhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.issue import openadr
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError
from tests.cli_world import CONFIG, installation
from tests.webhook_world import SECRET

HOOK = """
[[site.webhook]]
name = "scheduler"
url = "https://sched.phx.example/gridgate"
secret_file = "hook.secret"
"""
BEFORE = "[[utility]]"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    installation(tmp_path)
    for name, mode in (("hook.secret", 0o600), ("old.secret", 0o600), ("open.secret", 0o644)):
        (tmp_path / name).write_text(SECRET)
        (tmp_path / name).chmod(mode)
    (tmp_path / "bad.secret").write_text("hunter2")
    (tmp_path / "bad.secret").chmod(0o600)
    return tmp_path


def loaded(place: Path, hook: str, *, open_files: bool = True, config: str = CONFIG) -> Loaded:
    file = place / "gateway.toml"
    file.write_text(config.replace(BEFORE, hook + BEFORE, 1), encoding="utf-8")
    return load(file, open_files=open_files)


def faults(place: Path, hook: str, config: str = CONFIG) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(place, hook, config=config)
    assert SECRET not in str(caught.value)
    return [str(fault).partition(":")[2] for fault in caught.value.faults]


def test_an_endpoint_needs_a_name_an_address_and_a_secret(place: Path) -> None:
    site = loaded(place, HOOK).settings.site[0]
    assert [hook.name for hook in site.webhook] == ["scheduler"]
    assert site.webhook[0].secrets == [Path("hook.secret")]
    both = HOOK.replace(
        'secret_file = "hook.secret"', 'secret_files = ["hook.secret", "old.secret"]'
    )
    assert len(loaded(place, both).settings.site[0].webhook[0].secrets) == 2
    local = HOOK.replace("https://sched.phx.example", "https://10.20.3.4:8443")
    assert loaded(place, local + 'allow = ["10.20.0.0/16"]\n').settings.site


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"),
    [
        ('name = "scheduler"\n', "", "name", "is missing"),
        ('"scheduler"', '"a/b"', "name", "letters, digits"),
        ("https://", "http://", "url", "must be https"),
        ("https://", "ftp://", "url", "must look like https"),
        ("https://", "https://u:p@", "url", "user or password"),
        ("phx.example", "phx.example:22", "url", "webhook_ports"),
        ("sched.phx.example", "127.0.0.1", "url", "list its network in `allow`"),
        ("sched.phx.example", "169.254.169.254", "url", "credentials"),
        ("sched.phx.example", "[::ffff:10.0.0.1]", "url", "IPv4 written as IPv6"),
        ("sched.phx.example", "2130706433", "", ""),
        ('secret_file = "hook.secret"', "", "secret_file", "is needed"),
        ('"hook.secret"', '"none.secret"', "secret_file", "no such file"),
        ('"hook.secret"', '"open.secret"', "secret_file", "chmod 600"),
        ('"hook.secret"', '"bad.secret"', "secret_file", "holds no secret"),
        ('"hook.secret"', '"."', "secret_file", "is a folder"),
        ('"hook.secret"', '"hook.secret"\nsecret_files = ["old.secret"]', "secret_file", "one of both"),
        ('_file = "hook.secret"', '_files = ["a", "b", "c"]', "secret_files", "2 at most"),
        ('_file = "hook.secret"', '_files = ["bad.secret"]', "secret_files[0]", "holds no secret"),
        ("secret_file", 'ca = "none.pem"\nsecret_file', "ca", "no such file"),
        ("secret_file", 'ca = "hook.secret"\nsecret_file', "ca", "no trust anchors"),
        ("secret_file", 'allow = ["0.0.0.0/0"]\nsecret_file', "allow[0]", "no network of a site's own"),
        ("secret_file", 'allow = ["8.8.8.0/24"]\nsecret_file', "allow[0]", "needs no permission"),
        ("secret_file", 'allow = ["10.0.0.1/8"]\nsecret_file', "allow[0]", "such as 10.20.0.0/16"),
        ("secret_file", 'secret = "x"\nsecret_file', "secret", "did you mean secret_file"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_key_with_the_fix(
    place: Path, old: str, new: str, key: str, fix: str
) -> None:
    hook = HOOK.replace(old, new, 1)
    if not key:  # a name as far as the file goes: judged when it is resolved
        assert loaded(place, hook).settings.site
        return
    told = faults(place, hook)
    assert any(f"site[0].webhook[0].{key}: " in one and fix in one for one in told), told


def test_names_and_secrets_are_not_shared(place: Path) -> None:
    told = faults(place, HOOK + HOOK.replace("/gridgate", "/other"))
    assert any("webhook[1].name: 'scheduler' stands twice" in one for one in told)
    assert any("webhook[1].secret_file: is another endpoint's secret" in one for one in told)


def test_other_ports_and_loopback_are_the_operators_word(place: Path) -> None:
    config = CONFIG.replace("port = 0", "port = 0\nwebhook_ports = [9000]", 1)
    hook = HOOK.replace("https://sched.phx.example", "http://127.0.0.1:9000")
    assert loaded(place, hook + 'allow = ["127.0.0.1"]\n', config=config).settings.site
    assert any("must be https" in one for one in faults(place, hook, config))


def test_a_test_anchor_needs_test_mode(place: Path) -> None:
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    (place / "anchor.pem").write_bytes(pki.anchor_pem)
    hook = HOOK + 'ca = "anchor.pem"\n'
    assert loaded(place, hook).settings.site
    told = faults(place, hook, CONFIG.replace("test_mode = true", "test_mode = false"))
    assert any("webhook[0].ca: " in one and "test certificate" in one for one in told)
