"""Which addresses webhooks may go to."""

from ipaddress import ip_address, ip_network

import pytest

from chainsvc.errors import AddressRefused
from chainsvc.webhooks.addresses import AddressRules, is_public, port_of

INNER = [
    ("0.0.0.0", "this host"),  # noqa: S104 - nothing is bound
    ("0.1.2.3", "this network"),
    ("10.0.0.1", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("169.254.169.254", "cloud metadata"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "protocol assignments"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::ffff:127.0.0.1", "mapped loopback"),
    ("::ffff:10.0.0.1", "mapped private"),
    ("::ffff:169.254.169.254", "mapped metadata"),
    ("64:ff9b::7f00:1", "translated loopback"),
    ("64:ff9b::a9fe:a9fe", "translated metadata"),
    ("64:ff9b:1::1", "local translation"),
    ("100::1", "discard"),
    ("2001::1", "Teredo"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "6to4 of loopback"),
    ("2002:808:808::1", "6to4 of anything"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "cloud metadata"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local with its scope"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "global multicast"),
]
OPEN = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.255"]
OPEN += ["2400:3200::1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize(("text", "why"), INNER)
def test_an_address_that_is_not_of_the_open_network_is_refused(text: str, why: str) -> None:
    assert not is_public(ip_address(text)), why
    with pytest.raises(AddressRefused, match="addresses of this kind"):
        AddressRules().check([ip_address(text)], "example.org")


@pytest.mark.parametrize("text", OPEN)
def test_an_address_of_the_open_network_passes(text: str) -> None:
    assert AddressRules().check([ip_address(text)], "example.org") == [ip_address(text)]


def test_of_several_addresses_only_the_open_ones_are_left() -> None:
    found = [ip_address(text) for text in ("10.0.0.1", "8.8.8.8", "::1")]
    assert AddressRules().check(found, "example.org") == [ip_address("8.8.8.8")]
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1, ::1"):
        AddressRules().check([found[0], found[2]], "example.org")
    with pytest.raises(AddressRefused, match="no address"):
        AddressRules().check([], "example.org")


def test_the_operator_may_allow_a_network_in_any_writing_of_its_addresses() -> None:
    rules = AddressRules([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::5"):
        assert rules.check([ip_address(text)], "inner") == [ip_address(text)]
    for text in ("10.2.0.1", "127.0.0.1", "fc00::1"):
        with pytest.raises(AddressRefused):
            rules.check([ip_address(text)], "inner")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "example.org/hook",
        "//example.org/hook",
        "https://",
        "https:///hook",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://example.org/\n",
        "https://exam\x00ple.org/",
        "https://[::1",
        "https://example.org/" + "a" * 2_048,
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://１２７.０.０.１/",
    ],
)
def test_a_url_is_refused_where_it_can_be_told_without_asking(url: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        AddressRules().check_url(url)
    assert refusal.value.where == "/url"
    assert "password" not in str(refusal.value).replace("user, password", "")


def test_a_url_of_the_open_network_passes() -> None:
    rules = AddressRules()
    for url, host, port in (
        ("https://example.org/hook?a=1", "example.org", 443),
        ("https://8.8.8.8:8443/", "8.8.8.8", 8443),
        ("https://例子.example/", "例子.example", 443),
        ("https://example.org", "example.org", 443),
    ):
        parsed = rules.check_url(url)
        assert (parsed.host, port_of(parsed)) == (host, port)


def test_http_only_where_the_operator_allows_it() -> None:
    url = AddressRules(allow_http=True).check_url("http://example.org/hook")
    assert port_of(url) == 80
    with pytest.raises(AddressRefused, match="CHAINSVC_WEBHOOK_ALLOW_HTTP"):
        AddressRules().check_url("http://example.org/hook")
