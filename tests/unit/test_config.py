"""The operator's file: every mistake is told, all at once, with its line and the fix."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from certs.files import write
from certs.issue import openadr
from gateway.app.book import make_book
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError
from gateway.domain.names import UtilityName
from tests.cli_world import CONFIG, installation

EXAMPLE = Path(__file__).parents[2] / "gateway.example.toml"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    installation(folder)
    (folder / "bad.pem").write_text("this is no certificate")
    return folder


def loaded(place: Path, text: str, *, open_files: bool = False) -> Loaded:
    file = place / "changed.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, open_files=open_files)


def faults(place: Path, text: str, *, open_files: bool = False) -> list[str]:
    """Return every fault without the folder: ``line  key: what``."""
    with pytest.raises(ConfigError) as caught:
        loaded(place, text, open_files=open_files)
    named = f"{place / 'changed.toml'}:"
    assert all(fault.startswith(named) for fault in caught.value.faults)
    return [fault.removeprefix(named) for fault in caught.value.faults]


def test_a_configuration_without_faults_is_read(place: Path) -> None:
    settings = loaded(place, CONFIG, open_files=True).settings

    assert settings.site[0].contracted_import_kw == 120
    assert settings.utility[0].options == {"ven_name": "phx"}
    assert settings.southbound.lease_s == 60


def test_the_annotated_example_has_no_faults_once_its_files_are_there(tmp_path: Path) -> None:
    # Laid out as `gridgate-certs init keys` does, so that the README's lines work as they stand.
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    write(pki.ven("phx-gridgate"), tmp_path / "keys" / "ven", "phx-gridgate")
    (tmp_path / "keys" / "anchor.pem").write_bytes(pki.anchor_pem)

    settings = loaded(tmp_path, EXAMPLE.read_text(encoding="utf-8")).settings

    assert settings.utility[0].name == "azp"
    book = make_book(
        loaded(tmp_path, EXAMPLE.read_text(encoding="utf-8")),
        installation_key=bytes(32),
        source="urn:test",
        software="test",
    )
    program = book.programs[UtilityName("azp"), "http://azp.example/programs/fast-dr"]
    assert program.levels == {1: Decimal("0.9"), 2: Decimal("0.75"), 3: Decimal("0.5")}


def test_without_its_files_the_example_tells_of_the_three_that_are_missing(tmp_path: Path) -> None:
    found = faults(tmp_path, EXAMPLE.read_text(encoding="utf-8"))

    assert [fault.split("  ")[1].split(":")[0] for fault in found] == [
        "utility[0].certificate",
        "utility[0].key",
        "utility[0].ca",
    ]
    assert all("no such file" in fault for fault in found)


METER = "site[0].meter[0]"
UTILITY = "utility[0]"
PROGRAM = "program[0]"
SITES = 'sites = ["phx-1"]'
VEN = 'ven_name = "phx"'
CONTRACTED = "contracted_import_kw = 120"
SPEAKS = "this version speaks csip, csip_aus, oadr20b, sep2"

MISTAKES = [
    # (instead of what, what is written, key, words of the fix)
    ("test_mode = true", "test_mod = true", "gateway.test_mod", "did you mean test_mode?"),
    ("test_mode = true", 'test_mode = "yes"', "gateway.test_mode", "true or false"),
    ("test_mode = true", "test_mode = 1", "gateway.test_mode", "true or false"),
    ('data_dir = "data"', "data_dir = 3", "gateway.data_dir", "a path in quotes"),
    ('data_dir = "data"', 'data_dir = "ven.pem"', "gateway.data_dir", "is no folder"),
    ('"America/Phoenix"', '"Mars/One"', "gateway.timezone", "IANA"),
    ('"America/Phoenix"', '"../x"', "gateway.timezone", "IANA"),
    ("port = 0", 'port = "8443"', "southbound.port", "whole number without quotes"),
    ("port = 0", "port = 8443.0", "southbound.port", "whole number"),
    ("port = 0", "port = true", "southbound.port", "whole number"),
    ("port = 0", "port = 65536", "southbound.port", "65535 or less"),
    ("port = 0", "lease_s = 29", "southbound.lease_s", "make it 30 or more"),
    ("port = 0", 'host = "0.0.0.0"', "southbound.host", "only on loopback"),
    ("port = 0", 'host = ""', "southbound.host", "must not be empty"),
    ("port = 0", 'key = "ven.key"', "southbound.certificate", "belong together"),
    ("[southbound]", '[store]\nurl = "sqlite://x"', "store.url", "three slashes"),
    ("[southbound]", '[store]\nurl = "postgresql://x"', "store.url", "must look like"),
    ("[southbound]", '[store]\nurl = "sqlite:///"', "store.url", "must look like"),
    ("[southbound]", "[southbond]", "southbond", "did you mean southbound?"),
    (
        "[[site.meter]]",
        "[site.guard]\nlowest_import_kw = 121\n[[site.meter]]",
        "site[0].guard.lowest_import_kw",
        "lower it",
    ),
    (
        "[[site.meter]]",
        "[site.guard]\nhighest_import_kw = 121\n[[site.meter]]",
        "site[0].guard.highest_import_kw",
        "above contracted_import_kw",
    ),
    (
        "[[site.meter]]",
        "[site.guard]\nramp_kw_per_min = 0.1\n[[site.meter]]",
        "site[0].guard.ramp_kw_per_min",
        "make it 0.5 or more",
    ),
    (
        "[[site.meter]]",
        '[site.guard]\nactions = { min_holt = "clip" }\n[[site.meter]]',
        "site[0].guard.actions.min_holt",
        "min_hold",
    ),
    (
        "[[site.meter]]",
        "[site.guard]\nevents_per_day = -1\n[[site.meter]]",
        "site[0].guard.events_per_day",
        "0 or more",
    ),
    ("[[site]]", "[site]", "site", "write [[site]], with two brackets"),
    ("[[site.meter]]", "[site.meter]", "site[0].meter", "write [[site.meter]]"),
    ("[gateway]", "[[gateway]]", "gateway", "write [gateway]"),
    ('id = "phx-1"', 'id = "phx 1"', "site[0].id", "letters, digits"),
    (CONTRACTED, "contracted_import_kw = nan", "site[0].contracted_import_kw", "finite"),
    (CONTRACTED, "contracted_import_kw = inf", "site[0].contracted_import_kw", "finite"),
    (CONTRACTED, "contracted_import_kw = -1", "site[0].contracted_import_kw", "0 or more"),
    (CONTRACTED, "contracted_import_kw = 1e400", "site[0].contracted_import_kw", "18 digits"),
    (CONTRACTED, "contracted_import_kw = 2e7", "site[0].contracted_import_kw", "10000000 or less"),
    (CONTRACTED, 'contracted_import_kw = "1"', "site[0].contracted_import_kw", "without quotes"),
    (CONTRACTED, "contracted_import_kw = true", "site[0].contracted_import_kw", "without quotes"),
    (CONTRACTED, "contracted_import_kw = [1]", "site[0].contracted_import_kw", "without quotes"),
    (CONTRACTED, "fail_safe_import_kw = 1", "site[0].contracted_import_kw", "is missing; add it"),
    ("ramp_down_kw_per_min = 10", "ramp_down_kw_per_min = 0", "site[0].ramp_down_kw_per_min", "0"),
    ('_meter = "poc"', '_meter = "it"', "site[0].contract_meter", "this site has poc"),
    (
        CONTRACTED,
        f"{CONTRACTED}\nfail_safe_import_kw = 121",
        "site[0].fail_safe_import_kw",
        "lower it",
    ),
    ("max_kw = 200", "max_kw = 119", f"{METER}.max_kw", "raise it"),
    ("max_kw = 200", "interval = 60", f"{METER}.interval", '"PT15M"'),
    ("max_kw = 200", 'interval = "15 min"', f"{METER}.interval", '"PT15M"'),
    ("max_kw = 200", 'interval = "PT0S"', f"{METER}.interval", "longer than nothing"),
    ("max_kw = 200", 'interval = "-PT1M"', f"{METER}.interval", "longer than nothing"),
    (
        "max_kw = 200",
        'max_kw = 200\n[[site.meter]]\nid = "poc"\nmax_kw = 1',
        "site[0].meter[1].id",
        "stands twice",
    ),
    ('"oadr20b"', '"oadr20c"', f"{UTILITY}.protocol", SPEAKS),
    ('"oadr20b"', '"oadr31"', f"{UTILITY}.protocol", SPEAKS),
    ('"oadr20b"', "7", f"{UTILITY}.protocol", SPEAKS),
    (VEN, 'ven_nmae = "phx"', f"{UTILITY}.ven_nmae", "did you mean ven_name?"),
    (VEN, 'certifikate = "x"', f"{UTILITY}.certifikate", "did you mean certificate?"),
    (VEN, 'poll_period = "1 minute"', f"{UTILITY}.poll_period", "PT15M"),
    (VEN, "jitter = 2", f"{UTILITY}.jitter", "1 or less"),
    (VEN, "query_first = 7", f"{UTILITY}.query_first", "true or false"),
    (VEN, 'tls_profile = "old"', f"{UTILITY}.tls_profile", "'modern', 'certification'"),
    (VEN, 'tls_profile = "csip"', f"{UTILITY}.tls_profile", "it has modern, certification"),
    (VEN, 'server_fingerprint = "xyz"', f"{UTILITY}.server_fingerprint", "59:4D"),
    (VEN, "check_host_name = false", f"{UTILITY}.check_host_name", "pin the server"),
    (VEN, "request_timeout_s = 1", f"{UTILITY}.request_timeout_s", "5 or more"),
    ("https://", "ftp://", f"{UTILITY}.url", "must look like https://"),
    ("https://localhost", "https://", f"{UTILITY}.url", "must look like https://"),
    (":9/", ":99999/", f"{UTILITY}.url", "port cannot be read"),
    ("https://", "https://me:word@", f"{UTILITY}.url", "must not hold a user or password"),
    ("Simple/2.0b", "Simple/2.0b?key=1", f"{UTILITY}.url", "remove what follows"),
    ('ca = "root.pem"', "", f"{UTILITY}.ca", "needs certificate, key and ca"),
    ('"root.pem"', '"nothing.pem"', f"{UTILITY}.ca", "no such file"),
    ('"root.pem"', '"."', f"{UTILITY}.ca", "is a folder"),
    ('"root.pem"', '"a\\u0000b"', f"{UTILITY}.ca", "no such file"),
    ('"root.pem"', f'"{"a" * 5000}"', f"{UTILITY}.ca", "cannot be read"),
    ('utility = "azp"', 'utility = "apz"', f"{PROGRAM}.utility", "there is azp"),
    ("azp.example/fast-dr", "a\\u0000b", f"{PROGRAM}.name", "control characters"),
    (SITES, 'sites = ["phx-2"]', f"{PROGRAM}.sites[0]", "there is phx-1"),
    (SITES, 'sites = ["phx-1", "phx-1"]', f"{PROGRAM}.sites[1]", "remove one"),
    (SITES, "sites = []", f"{PROGRAM}.sites", "1 entry at least"),
    (SITES, 'sites = "phx-1"', f"{PROGRAM}.sites", 'like ["a", "b"]'),
    (SITES, f'{SITES}\nopt_default = "in"', f"{PROGRAM}.opt_default", "must have a cap"),
    (SITES, f'{SITES}\nfirmness = "hard"', f"{PROGRAM}.firmness", "'committed'"),
    (SITES, f'{SITES}\ncurrency = "usd"', f"{PROGRAM}.currency", "three capital letters"),
    (SITES, f"{SITES}\nlevels = {{ one = 1 }}", f"{PROGRAM}.levels.one", '"1"'),
    (SITES, f'{SITES}\nlevels = {{ "²" = 1 }}', f"{PROGRAM}.levels.²", '"1"'),
    (SITES, f'{SITES}\nlevels = {{ "--1" = 1 }}', f"{PROGRAM}.levels.--1", '"1"'),
    (SITES, f'{SITES}\nlevels = {{ "01" = 1 }}', f"{PROGRAM}.levels.01", '"1"'),
    (SITES, f"{SITES}\nbaseline_window = []", f"{PROGRAM}.baseline_window", "1 entry"),
    ("price_per_kwh = 1.00", "price_per_kwh = 1e-30", f"{PROGRAM}.price_per_kwh", "18 digits"),
    ("price_per_kwh = 1.00", "price_per_kwh = -1", f"{PROGRAM}.price_per_kwh", "0 or more"),
    (
        "price_per_kwh = 1.00",
        "price_per_kwh = 0.1234567890123456789",
        f"{PROGRAM}.price_per_kwh",
        "18 digits",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"), MISTAKES, ids=[f"{n}-{m[2]}" for n, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_line_its_key_and_the_fix(
    place: Path, old: str, new: str, key: str, fix: str
) -> None:
    assert old in CONFIG
    text = CONFIG.replace(old, new, 1)

    found = faults(place, text)

    (told,) = [fault for fault in found if fault.split("  ", 1)[1].startswith(f"{key}: ")]
    assert fix in told
    where = text.splitlines()[int(told.split()[0]) - 1]
    leaf = [part for part in key.replace("[", ".[").split(".") if not part.startswith("[")][-1]
    assert leaf in where or where.startswith("[")


@pytest.mark.parametrize(
    ("window", "key", "fix"),
    [
        (
            "{ from_min = -92, to_min = -30 }",
            "[0].from_min",
            "multiple of settlement_interval (PT5M)",
        ),
        (
            "{ from_min = -90, to_min = -31 }",
            "[0].to_min",
            "multiple of settlement_interval (PT5M)",
        ),
        ("{ from_min = -30, to_min = -90 }", "[0]", "from_min must be less than to_min"),
        ("{ from_min = -30, to_min = 30 }", "[0]", "ends at its start at the latest"),
        ('{ anchor = "end", from_min = -5, to_min = 5 }', "[0]", "starts at its end"),
        ("{ from_min = -9000, to_min = -30 }", "[0].from_min", "-1440 or more"),
        ("{ from = -90, to_min = -30 }", "[0].from", "did you mean from_min?"),
        ("{ from_min = -90.5, to_min = -30 }", "[0].from_min", "whole number"),
    ],
)
def test_a_baseline_window_that_cannot_be_computed_is_a_fault(
    place: Path, window: str, key: str, fix: str
) -> None:
    text = CONFIG.replace(SITES, f"{SITES}\nbaseline_window = [{window}]")

    found = faults(place, text)

    (told,) = [fault for fault in found if f"program[0].baseline_window{key}: " in fault]
    assert fix in told
    assert "baseline_window" in text.splitlines()[int(told.split()[0]) - 1]


def test_windows_are_no_matter_of_a_method_without_them(place: Path) -> None:
    window = "baseline_window = [{ from_min = -92, to_min = -31 }]"
    text = CONFIG.replace(SITES, f'{SITES}\nbaseline_method = "fsl"\n{window}')

    assert loaded(place, text).settings.program[0].baseline_method == "fsl"


def test_the_settlement_interval_is_made_of_whole_readings_of_the_contract_meter(
    place: Path,
) -> None:
    other = '\n[[site.meter]]\nid = "it"\ninterval = "PT7M"\nmax_kw = 1\n'
    assert loaded(place, CONFIG.replace("max_kw = 200", f"max_kw = 200\n{other}")).settings.site

    found = faults(place, CONFIG.replace("max_kw = 200", 'max_kw = 200\ninterval = "PT7M"'))

    assert len(found) == 1
    assert "program[0].settlement_interval: must be a whole multiple of PT7M" in found[0]
    assert "meter 'poc' at site 'phx-1'" in found[0]


def test_plain_http_to_a_utility_needs_test_mode(place: Path) -> None:
    plain = CONFIG.replace("https://", "http://")
    assert loaded(place, plain).settings.gateway.test_mode

    found = faults(place, plain.replace("test_mode = true", ""))

    (told,) = found
    assert "utility[0].url: plain http to a utility only in test mode; use https" in told


def test_names_that_stand_twice_are_told_at_the_second(place: Path) -> None:
    site = CONFIG[CONFIG.index("[[site]]") : CONFIG.index("[[utility]]")]
    utility = CONFIG[CONFIG.index("[[utility]]") : CONFIG.index("[[program]]")]
    program = CONFIG[CONFIG.index("[[program]]") :]

    found = faults(place, f"{CONFIG}\n{site}\n{utility}\n{program}")

    assert [fault.split("  ")[1] for fault in found] == [
        "site[1].id: 'phx-1' stands twice; choose another",
        "utility[1].name: 'azp' stands twice; choose another",
        "program[1].name: this utility has a program of that name already; merge them",
    ]


def test_every_fault_is_told_at_once_in_the_order_of_the_file(place: Path) -> None:
    """Also contradictions of sections that have other faults, as far as they do not stand on these."""
    text = (
        CONFIG.replace("port = 0", "prot = 0\nport = 70000\nlease_s = 20")
        .replace("ramp_up_kw_per_min = 6", "ramp_up_kw_per_min = 0\nfail_safe_import_kw = 500")
        .replace(VEN, "ven_name = 7\ncheck_host_name = false")
        .replace(SITES, 'sites = ["phx-3"]\nlevels = { x = 1 }\nopt_by = "soon"')
    )

    found = faults(place, text)

    assert [fault.split("  ")[1].split(":")[0] for fault in found] == [
        "southbound.prot",
        "southbound.port",
        "southbound.lease_s",
        "site[0].ramp_up_kw_per_min",
        "site[0].fail_safe_import_kw",
        "utility[0].ven_name",
        "utility[0].check_host_name",
        "program[0].sites[0]",
        "program[0].levels.x",
        "program[0].opt_by",
    ]
    numbers = [int(fault.split()[0]) for fault in found]
    assert numbers == sorted(numbers)


def test_nothing_is_concluded_from_a_key_that_could_not_be_read(place: Path) -> None:
    """A default must not stand in for it: ``lease_s = 20`` may be right for the heartbeat that was meant."""
    found = faults(place, CONFIG.replace("port = 0", 'heartbeat_s = "5 s"\nlease_s = 20'))

    assert [fault.split("  ")[1].split(":")[0] for fault in found] == ["southbound.heartbeat_s"]


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("", "1  site", "add at least one [[site]]"),
        ("site = 3", "1  site", "must be a list"),
        ("site = [3]", "1  site[0]", "must be a table"),
        ("gateway = 1", "1  gateway", "must be a table; write [gateway]"),
        ("utility = 3", "1  utility", "write [[utility]]"),
        ("[[utility]]", "1  utility[0].protocol", "is missing; add it"),
        ("program = [[]]", "1  program[0]", "must be a table"),
    ],
)
def test_a_file_that_is_something_else_is_told_so(
    place: Path, text: str, key: str, fix: str
) -> None:
    found = faults(place, text)

    (told,) = [fault for fault in found if fault.startswith(f"{key}: ")]
    assert fix in told


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a = 1\nb = = 2\n", ":2  not TOML: Invalid value"),
        (b"a = 1\na = 2\n", ":2  not TOML: Cannot overwrite a value"),
        (b"[a]\n[b]\n[a]\n", ":3  not TOML: Cannot declare"),
        (b"a = 1\nb = [1,\n", ":2  not TOML: "),
        (b"a = 1\nb = \xff\n", ":2  not UTF-8"),
        (b"a = 1\nb = " + b"9" * 5000, ":2  a number is too large"),
        (b"a = 1\nb = 1e99999999999999999999", ":2  a number is too large"),
        (b"a = " + b"[" * 5000, "brackets nest too deep"),
        (b"#" * ((1 << 20) + 1), "larger than a configuration can be"),
        (b"\x00", ":1  not TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_one_fault_with_its_line(
    tmp_path: Path, raw: bytes, words: str
) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(raw)

    with pytest.raises(ConfigError) as caught:
        load(file)

    (fault,) = caught.value.faults
    assert fault.startswith(str(file))
    assert words in fault


@pytest.mark.parametrize("name", ["nothing.toml", ".", "ven.pem/x", "a" * 5000, "a\0b"])
def test_a_file_that_cannot_be_read_is_one_fault(place: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(place / name)

    (fault,) = caught.value.faults
    assert "cannot be read" in fault


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    config = installation(tmp_path)
    config.write_bytes(b"\xef\xbb\xbf" + CONFIG.replace("\n", "\r\n").encode())

    assert load(config).settings.site[0].id == "phx-1"


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"),
    [
        ('key = "ven.key"', 'key = "server.key"', f"{UTILITY}.certificate", "must belong together"),
        ('"ven.pem"', '"ven.key"', f"{UTILITY}.certificate", "no usable pair"),
        ('"root.pem"', '"bad.pem"', f"{UTILITY}.ca", "no trust anchors"),
        (
            "port = 0",
            'certificate = "bad.pem"\nkey = "server.key"',
            "southbound.certificate",
            "no usable pair",
        ),
        ("test_mode = true", "", f"{UTILITY}.certificate", "is a test certificate"),
        ("test_mode = true", "", f"{UTILITY}.ca", "is a test certificate"),
    ],
)
def test_files_that_cannot_be_used_are_told_when_they_are_opened(
    place: Path, old: str, new: str, key: str, fix: str
) -> None:
    text = CONFIG.replace(old, new, 1)
    assert loaded(place, text).settings.site

    found = faults(place, text, open_files=True)

    (told,) = [fault for fault in found if f"  {key}: " in fault]
    assert fix in told


def test_an_exponent_is_an_exact_number_like_any_other(place: Path) -> None:
    settings = loaded(place, CONFIG.replace("max_kw = 200", "max_kw = 2.5e2")).settings

    assert str(settings.site[0].meter[0].max_kw) == "250"


def test_a_level_may_be_negative(place: Path) -> None:
    """LOAD_DISPATCH level and x-loadControlPercentOffset have some; only the program's table knows what they mean."""
    text = CONFIG.replace(SITES, f'{SITES}\nlevels = {{ "-10" = 1, "10" = 0.4 }}')

    book = make_book(
        loaded(place, text), installation_key=bytes(32), source="urn:test", software="test"
    )

    assert {-10: Decimal(1), 10: Decimal("0.4")} in [p.levels for p in book.programs.values()]
