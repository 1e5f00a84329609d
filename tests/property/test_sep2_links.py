"""Links are resolved as RFC 3986 says, by whatever way is quicker."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.sep2.client.links import joined

BASES = st.sampled_from(
    ["https://utility.example", "https://utility.example:8443/dcap", "https://10.0.0.1/a/b?s=0&l=1", "http://h/x#y",
     "https://[::1]:8443/dcap", "https://u@h/dcap", "HTTPS://Utility.Example/dcap", "https://h?q=/a", "/edev", "", "https://h:99x/"]
)  # fmt: skip
HREFS = st.text("/ab.~-_%0?#;:@ \t\\", max_size=14)


@pytest.mark.spec("IEEE 2030.5-2018 links (never built addresses)")
@given(BASES, HREFS)
def test_a_link_is_resolved_as_the_long_way_resolves_it(base: str, href: str) -> None:
    assert joined(base, href) == urljoin(base, href)


def test_a_plain_path_stands_behind_its_origin() -> None:
    assert joined("https://h:8443/edev?s=0&l=255", "/edev/12/fsa") == "https://h:8443/edev/12/fsa"
