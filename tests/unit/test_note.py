"""Signed notes; the first vector is the example of c2sp.org/signed-note itself, a second origin for the format."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import MalformedInput, SignatureRefused
from chainsvc.note import MAX_SIGNATURES, NoteSignature, SignedNote, Signer, VerifierKey, sign_note

EXAMPLE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SIGNER = Signer("example.org/one", SigningKey.from_seed(b"\x01" * 32))
OTHER = Signer("example.org/two", SigningKey.from_seed(b"\x02" * 32))


def test_reads_the_specifications_example() -> None:
    note = SignedNote.parse(EXAMPLE.encode())
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert [(line.name, len(line.signature)) for line in note.signatures] == [("quasimodo.example/salvatore", 64)]
    assert note.to_bytes() == EXAMPLE.encode()


def test_signed_text_verifies_with_its_key_only() -> None:
    note = SignedNote.parse(sign_note("text\n", [SIGNER]).to_bytes())
    assert note.verify([OTHER.verifier_key, SIGNER.verifier_key]) == (SIGNER.verifier_key,)
    with pytest.raises(SignatureRefused, match="no known key"):
        note.verify([OTHER.verifier_key])


def test_one_known_signer_of_several_is_enough() -> None:
    note = sign_note("text\n", [OTHER, SIGNER])
    assert note.verify([SIGNER.verifier_key]) == (SIGNER.verifier_key,)


def test_a_known_key_with_a_wrong_signature_refuses_the_whole_note() -> None:
    note = sign_note("text\n", [SIGNER, OTHER])
    forged = SignedNote("text2\n", note.signatures[:1] + sign_note("text2\n", [OTHER]).signatures)
    with pytest.raises(SignatureRefused, match="does not verify"):
        forged.verify([SIGNER.verifier_key, OTHER.verifier_key])


def test_a_name_alone_or_an_id_alone_is_an_unknown_key() -> None:
    impostor = Signer(SIGNER.name, OTHER.key)
    with pytest.raises(SignatureRefused, match="no known key"):
        sign_note("text\n", [impostor]).verify([SIGNER.verifier_key])


def test_verifier_key_is_name_id_and_typed_key() -> None:
    key = SIGNER.verifier_key
    name, key_id, encoded = str(key).split("+", 2)
    assert (name, key_id) == (SIGNER.name, key.key_id.hex())
    assert base64.b64decode(encoded) == b"\x01" + SIGNER.key.public
    assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        f"name+00000000+{base64.b64encode(bytes([1]) + bytes(32)).decode()}",
        f"name+00000000+{base64.b64encode(bytes([2]) + bytes(32)).decode()}",
        str(SIGNER.verifier_key).upper(),
        str(SIGNER.verifier_key) + "=",
        " " + str(SIGNER.verifier_key),
    ],
)
def test_a_wrong_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(MalformedInput):
        VerifierKey.parse(vkey)


SIGNED = sign_note("text\n", [SIGNER]).to_bytes().decode()


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        SIGNED[:-1],
        SIGNED + "\n",
        SIGNED.replace("—", "--"),
        SIGNED.replace("text\n\n", "text\n"),
        SIGNED.replace("text", "te\txt"),
        SIGNED.replace("text", "te\rxt"),
        SIGNED.replace("— ", "—  "),
        SIGNED.replace(SIGNER.name, "a+b"),
        SIGNED.replace(SIGNER.name, "a\u3000b"),
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAA=\n",
        "text\n\n— name AAAAAB==\n",
        "text\n\n" + SIGNED.split("\n\n")[1] * (MAX_SIGNATURES + 1),
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(MalformedInput):
        SignedNote.parse(note.encode())


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(MalformedInput, match="UTF-8"):
        SignedNote.parse(SIGNED.encode() + b"\xff")


def test_sixteen_signatures_are_read() -> None:
    signers = [Signer(f"example.org/{i}", SigningKey.from_seed(bytes([i]) * 32)) for i in range(1, 17)]
    note = SignedNote.parse(sign_note("text\n", signers).to_bytes())
    assert len(note.verify(signer.verifier_key for signer in signers)) == 16


@pytest.mark.parametrize("text", ["no newline", "control\x01\n", "\r\n"])
def test_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedInput):
        sign_note(text, [SIGNER])


def test_a_note_without_signer_is_not_made() -> None:
    with pytest.raises(MalformedInput):
        sign_note("text\n", [])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    try:
        note = SignedNote.parse(data)
    except MalformedInput:
        return
    assert note.to_bytes() == data


@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=50))
def test_any_readable_text_survives_signing(text: str) -> None:
    note = SignedNote.parse(sign_note(f"{text}\n", [SIGNER]).to_bytes())
    assert note.text == f"{text}\n"
    assert note.verify([SIGNER.verifier_key])


def test_signature_line_keeps_its_bytes() -> None:
    line = SIGNED.split("\n\n")[1][:-1]
    assert str(NoteSignature.parse(line)) == line
