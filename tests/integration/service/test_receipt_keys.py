"""A receipt key that is replaced while the service runs signs from when the chain knows it, and not after its end."""

import time
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.records import donation
from support.station import USCC, Site, Station, station

from chainsvc.admin import Desk
from chainsvc.chain.accounts import open_account
from chainsvc.chain.institutions import Purpose
from chainsvc.cli.key_swaps import prepare
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import open_signing_key
from chainsvc.errors import Unavailable
from chainsvc.service.receipt_keys import ReceiptKeys


def _desk(made: Station) -> Desk:
    return Desk(made.parts.node, made.parts.network, open_account(made.parts.settings.accounts[0]))


def _add(made: Station, key: SigningKey, purpose: Purpose = Purpose.RECEIPT) -> None:
    _desk(made).add_key(USCC, key.alg, key.public, key.key_id, purpose)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    SigningKey.generate().to_file(tmp_path / "receipt.key")
    return tmp_path / "receipt.key"


def test_new_key_signs_once_the_chain_knows_it(site: Site, engine: Engine, file: Path) -> None:
    with station(site, engine) as made:
        old = SigningKey.from_file(file)
        _add(made, old)
        keys = ReceiptKeys(str(file), _desk(made).institutions)
        swap = prepare(str(file), None)
        swap.finish()
        keys.look()
        assert keys.current().public == old.public
        assert "a new key waits" in str(keys.trouble())
        _add(made, swap.new)
        keys.look()
        assert keys.current().public == swap.new.public
        assert keys.trouble() is None


def test_key_that_is_over_gives_no_receipts(site: Site, engine: Engine, file: Path) -> None:
    with station(site, engine) as made:
        now = [time.time()]
        key = SigningKey.from_file(file)
        _add(made, key)
        _desk(made).end_key(key.key_id, int(now[0]) + 100)
        keys = ReceiptKeys(str(file), _desk(made).institutions, lambda: now[0])
        keys.look()
        assert keys.current().public == key.public
        now[0] += 100
        with pytest.raises(Unavailable, match="no receipts can be given"):
            keys.current()


def test_service_refuses_rather_than_promise_with_a_key_that_is_over(
    site: Site, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "over.key"
    SigningKey.generate().to_file(file)
    with station(site, engine, receipt_key_file=file) as made:
        name = made.open().name
        _add(made, SigningKey.from_file(file))
        made.accept(name, [donation(name, 1)])
        made.parts.worker.round()
        _desk(made).compromise_key(SigningKey.from_file(file).key_id, int(time.time()) - 30)
    with station(site, engine, receipt_key_file=file) as made:
        made.parts.service.ready()
        with pytest.raises(Unavailable, match="compromised"):
            made.send(name, [donation(name, 2)])


def test_file_that_is_no_key_leaves_the_one_before(site: Site, engine: Engine, file: Path) -> None:
    with station(site, engine) as made:
        old = SigningKey.from_file(file)
        _add(made, old)
        keys = ReceiptKeys(str(file), _desk(made).institutions)
        file.write_text("half a ke")
        keys.look()
        assert keys.current().public == old.public
        assert "can't be opened" in str(keys.trouble())


def test_key_of_another_purpose_does_not_sign(site: Site, engine: Engine, file: Path) -> None:
    with station(site, engine) as made:
        old = SigningKey.from_file(file)
        _add(made, old)
        keys = ReceiptKeys(str(file), _desk(made).institutions)
        swap = prepare(str(file), None)
        _add(made, swap.new, Purpose.CHECKPOINT)
        swap.finish()
        keys.look()
        assert keys.current().public == old.public
        assert "checkpoint key" in str(keys.trouble())


def test_prepared_swap_goes_on_after_a_stop(file: Path) -> None:
    first = prepare(str(file), None)
    again = prepare(str(file), None)
    assert (again.old.public, again.new.public) == (first.old.public, first.new.public)
    kept = again.finish()
    assert kept is not None
    assert SigningKey.from_file(kept).public == first.old.public
    assert SigningKey.from_file(file).public == first.new.public
    assert file.stat().st_mode & 0o777 == 0o600


def test_file_may_hold_the_name_of_a_key_kept_elsewhere(file: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    name = f"keystore:{tmp_path / 'new.pem'}?password-file={password}"
    swap = prepare(str(file), name)
    swap.finish()
    assert file.read_text() == f"{name}\n"
    assert open_signing_key(str(file)).public == swap.new.public == open_signing_key(name).public
    back = prepare(str(file), str(tmp_path / "plain.key"))
    back.finish()
    assert SigningKey.from_file(file).public == back.new.public
