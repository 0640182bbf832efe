import base64
from dataclasses import replace
from typing import Any

import pytest

from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import MalformedInput, SignatureRefused
from chainsvc.note import Signer, sign_note

SIGNER = Signer("chain.example.org/operator", SigningKey.from_seed(b"\x01" * 32))
REGULATOR = Signer("regulator.example.org", SigningKey.from_seed(b"\x02" * 32))
CHECKPOINT = Checkpoint(b"\xab" * 32, 1234, b"\xcd" * 32)


def test_text_is_three_lines() -> None:
    assert CHECKPOINT.text == f"chainsvc/{'ab' * 32}\n1234\n{base64.b64encode(bytes([0xCD]) * 32).decode()}\n"


def test_signed_checkpoint_is_read_back_and_verifies() -> None:
    signed = CHECKPOINT.sign([SIGNER])
    read = Checkpoint.parse(signed.to_bytes())
    assert read == signed
    assert read.verify([REGULATOR.verifier_key, SIGNER.verifier_key]) == (SIGNER.verifier_key,)


def test_signatures_of_several_add_up() -> None:
    signed = CHECKPOINT.sign([SIGNER]).sign([REGULATOR])
    keys = (SIGNER.verifier_key, REGULATOR.verifier_key)
    assert Checkpoint.parse(signed.to_bytes()).verify(keys) == keys


def test_unknown_signer_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        CHECKPOINT.sign([REGULATOR]).verify([SIGNER.verifier_key])


@pytest.mark.parametrize("change", [{"block": 1235}, {"block_hash": b"\xce" * 32}, {"network_id": b"\xac" * 32}])
def test_signature_covers_every_line(change: dict[str, Any]) -> None:
    changed = replace(CHECKPOINT.sign([SIGNER]), **change)
    with pytest.raises(SignatureRefused, match="does not verify"):
        Checkpoint.parse(changed.to_bytes()).verify([SIGNER.verifier_key])


@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT.text.replace("1234", "01234"),
        CHECKPOINT.text.replace("1234", "-1"),
        CHECKPOINT.text.replace("1234", "12 34"),
        CHECKPOINT.text.replace("1234", "1" * 17),
        CHECKPOINT.text.replace("chainsvc/", "other/"),
        CHECKPOINT.text.replace("ab" * 32, "AB" * 32),
        CHECKPOINT.text.replace("=", ""),
        CHECKPOINT.text.replace("c0=", "c1="),
        CHECKPOINT.text + "more\n",
        "chainsvc\n",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput):
        Checkpoint.parse(sign_note(text, [SIGNER]).to_bytes())


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(MalformedInput, match="too large"):
        Checkpoint.parse(b"x" * 70_000)
