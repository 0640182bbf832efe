"""Starts that would do harm are refused, and say both sides."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.station import Site, station

from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import ConfigurationRefused, KeyMismatch, NetworkMismatch
from chainsvc.network import Network


def test_another_key_encryption_key_is_refused(site: Site, engine: Engine, tmp_path: Path) -> None:
    with station(site, engine):
        pass
    SigningKey.generate().to_file(tmp_path / "kek.key")
    with pytest.raises(KeyMismatch), station(site, engine, kek_file=tmp_path / "kek.key"):
        pass


def test_the_key_encryption_key_of_the_environment_is_stronger_than_the_file(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINSVC_KEK", "11" * 32)
    with station(site, engine):
        pass
    monkeypatch.setenv("CHAINSVC_KEK", "22" * 32)
    with pytest.raises(KeyMismatch), station(site, engine):
        pass


def test_a_journal_of_another_deployment_is_refused(site: Site, engine: Engine) -> None:
    with station(site, engine) as made:
        network = made.parts.network
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE network SET network_id = decode(repeat('ab', 32), 'hex')")
    with pytest.raises(NetworkMismatch) as caught, station(site, engine):
        pass
    assert {network.network_id.hex(), "ab" * 32} == {caught.value.expected, caught.value.got}


def test_a_descriptor_of_other_code_is_refused(site: Site, engine: Engine, tmp_path: Path) -> None:
    data = (site.home / "network.json").read_bytes()
    code = Network.parse(data).ledgers[0].code_hash.hex()
    (tmp_path / "network.json").write_bytes(data.replace(code.encode(), b"00" * 32))
    with pytest.raises(NetworkMismatch, match="code"), station(site, engine, network_file=tmp_path / "network.json"):
        pass


def test_a_deadline_beyond_the_networks_is_refused(site: Site, engine: Engine) -> None:
    refused = pytest.raises(ConfigurationRefused, match="later than the network allows")
    with refused, station(site, engine, default_longest_wait_s=172_800):
        pass
