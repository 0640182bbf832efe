"""Keys in a security module, by PKCS#11: they sign there and never leave it.

A module is named as RFC 7512 says: ``pkcs11:token=…;object=…?module-path=…&pin-source=…``. One session a token is
kept for the whole process; one that the module has lost is opened anew. The PIN is read from its file at each login,
and a PIN that was refused is not tried again: a third wrong one locks most tokens.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chainsvc.crypto.key_names import KeyName, pairs
from chainsvc.errors import ConfigurationRefused, SignerUnavailable
from chainsvc.files import read_secret

T = TypeVar("T")

_ATTRIBUTES = frozenset({"token", "serial", "object", "id", "type"})
_OCTET_STRING = 0x04
_PIN_ATTEMPTS = "PinIncorrect", "PinLocked", "PinInvalid", "PinExpired"


class Curve(NamedTuple):
    """A curve as PKCS#11 names it.

    Attributes:
        title: For messages.
        key_type: Member of ``pkcs11.KeyType``.
        parameters: DER of EC_PARAMS for new keys.
        generation: Member of ``pkcs11.Mechanism`` that makes a pair.
        mechanism: Member of ``pkcs11.Mechanism`` that signs.
        point_bytes: Length of a public key.
    """

    title: str
    key_type: str
    parameters: bytes
    generation: str
    mechanism: str
    point_bytes: int


SECP256K1 = Curve("secp256k1", "EC", bytes.fromhex("06052b8104000a"), "EC_KEY_PAIR_GEN", "ECDSA", 65)
"""Of accounts; signs a digest of 32 bytes and gives ``r ‖ s``. SEC 2 section 2.4.1."""

_ED25519_NAME = b"\x13\x0cedwards25519"  # PKCS#11 v3.0 section 2.3.10: a PrintableString
ED25519 = Curve("Ed25519", "EC_EDWARDS", _ED25519_NAME, "EC_EDWARDS_KEY_PAIR_GEN", "EDDSA", 32)
"""Of receipts and checkpoints; signs the message itself. RFC 8032."""


class TokenKey:
    """One private key in a token; thread-safe.

    Attributes:
        public: The public key: 65 bytes beginning with 04 for secp256k1, 32 for Ed25519.
    """

    def __init__(self, name: KeyName, curve: Curve) -> None:
        """Log in, and find the key and its public half.

        Raises:
            ConfigurationRefused: No such module, token or key, a wrong PIN, or another kind of key.
        """
        self._name, self._curve = name, curve
        self._token = _token_of(name)
        self._found: tuple[Any, Any] = (None, None)  # the session, and the key as it knows it
        try:
            self.public: bytes = self._token.run(self._find_public)
        except SignerUnavailable as error:
            raise ConfigurationRefused(error.message, got=error.got, where=name.text) from error

    @classmethod
    def create(cls, name: KeyName, curve: Curve) -> "TokenKey":
        """Make a new pair in the token, whose private half is sensitive and can't be exported.

        Raises:
            ConfigurationRefused: As on opening, or there is a key of that name already.
        """
        wanted = _wanted(name)
        if "object" not in wanted:
            raise ConfigurationRefused("a new key needs a label", expected="object=…", where=name.text)
        token = _token_of(name)
        if token.run(lambda session: _objects(session, "PRIVATE_KEY", wanted)):
            raise ConfigurationRefused("the key is there already, and a key is never written over", where=name.text)
        token.write(lambda session: _generate(session, curve, wanted))
        return cls(name, curve)

    def sign(self, data: bytes) -> bytes:
        """Return the token's signature: over a digest for secp256k1, over the message for Ed25519.

        Raises:
            SignerUnavailable: The module does not sign.
        """
        mechanism = getattr(_library().Mechanism, self._curve.mechanism)
        return self._token.run(lambda session: bytes(self._private(session).sign(data, mechanism=mechanism)))

    def _private(self, session: Any) -> Any:
        if self._found[0] is not session:
            found = _objects(session, "PRIVATE_KEY", _wanted(self._name))
            self._found = session, self._only(found, "private key")
        return self._found[1]

    def _find_public(self, session: Any) -> bytes:
        library = _library()
        private = self._private(session)
        if private[library.Attribute.KEY_TYPE] is not getattr(library.KeyType, self._curve.key_type):
            got = private[library.Attribute.KEY_TYPE].name
            raise ConfigurationRefused(
                f"not a key of {self._curve.title}", expected=self._curve.key_type, got=got, where=self._name.text
            )
        public = self._only(_objects(session, "PUBLIC_KEY", _wanted(self._name)), "public key")
        return self._point(bytes(public[library.Attribute.EC_POINT]))

    def _only(self, found: list[Any], what: str) -> Any:
        if len(found) != 1:
            raise ConfigurationRefused(
                f"the name does not find one {what} in the token",
                expected="one",
                got=len(found),
                where=self._name.text,
                hint="Name it by object=LABEL, and by id=%01 where labels repeat.",
            )
        return found[0]

    def _point(self, encoded: bytes) -> bytes:
        """Take a public key out of its OCTET STRING; some modules give it bare."""
        length = self._curve.point_bytes
        bare = encoded[2:] if encoded[:2] == bytes([_OCTET_STRING, length]) else encoded
        if len(bare) != length:
            raise ConfigurationRefused(
                f"not a key of {self._curve.title}", expected=f"{length} bytes", got=len(bare), where=self._name.text
            )
        return bare


class TokenEd25519:
    """An Ed25519 key in a token, in the form that :class:`~chainsvc.crypto.keys.SigningKey` takes."""

    def __init__(self, key: TokenKey) -> None:
        """Sign with this key."""
        self._key = key
        self._public = Ed25519PublicKey.from_public_bytes(key.public)

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """Return the signature, once it was seen to verify: a receipt that does not is worse than none.

        Raises:
            SignerUnavailable: The module does not sign, or signs with another key.
        """
        signature = self._key.sign(data)
        try:
            self._public.verify(signature, data)
        except InvalidSignature as error:
            raise SignerUnavailable("the security module's signature is not by its key") from error
        return signature


class _Token:
    """A token with a session that is logged in."""

    def __init__(self, module: str, token: str | None, serial: str | None, pin_file: str) -> None:
        self._module, self._label, self._serial, self._pin_file = module, token, serial, pin_file
        self._lock = threading.RLock()
        self._session: Any = None
        self._refused: str | None = None

    def run(self, work: Callable[[Any], T]) -> T:
        """Do something in the session; once again in a new one where the module has lost it."""
        with self._lock, self._translated():
            try:
                return work(self._opened())
            except _library().PKCS11Error:
                self._session = None
            return work(self._opened())

    def write(self, work: Callable[[Any], T]) -> T:
        """Do something in a session of its own that may change the token."""
        with self._lock, self._translated():
            self._opened()  # logged in, which counts for every session of this process
            with self._found().open(rw=True) as session:
                return work(session)

    def _opened(self) -> Any:
        if self._refused is not None:
            raise SignerUnavailable("the token refused its PIN, which is not tried again", got=self._refused)
        if self._session is None:
            self._session = self._log_in()
        return self._session

    def _log_in(self) -> Any:
        library, token = _library(), self._found()
        try:
            return token.open(user_pin=read_secret(Path(self._pin_file)).strip())
        except library.UserAlreadyLoggedIn:
            return token.open()
        except library.PKCS11Error as error:
            if type(error).__name__ in _PIN_ATTEMPTS:
                self._refused = type(error).__name__
            raise

    def _found(self) -> Any:
        serial = None if self._serial is None else self._serial.encode()
        wanted = {"token_label": self._label, "token_serial": serial}
        module = _library().lib(self._module)
        return module.get_token(**{name: value for name, value in wanted.items() if value is not None})

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # of which PKCS11Error is one; a module that can't be loaded is plain
            got = f"{type(error).__name__} {error}".strip()
            raise SignerUnavailable("the security module does not answer", got=got, where=self._module) from error


_one_token = lru_cache(maxsize=None)(_Token)  # a process may log in to a token once


def _token_of(name: KeyName) -> _Token:
    wanted, options = pairs(name.place, ";", name.text), name.options
    for attribute in wanted:
        if attribute not in _ATTRIBUTES:
            expected = ", ".join(sorted(_ATTRIBUTES))
            raise ConfigurationRefused("unknown attribute of a PKCS#11 URI", expected=expected, got=attribute)
    if wanted.get("type", "private") != "private" or not {"object", "id"} & wanted.keys():
        raise ConfigurationRefused("a PKCS#11 URI names a private key by object or id", where=name.text)
    pin_file = options["pin-source"].removeprefix("file:").removeprefix("//")
    return _one_token(options["module-path"], wanted.get("token"), wanted.get("serial"), pin_file)


def _wanted(name: KeyName) -> dict[str, str]:
    found = pairs(name.place, ";", name.text)
    return {attribute: found[attribute] for attribute in ("object", "id") if attribute in found}


def _objects(session: Any, kind: str, wanted: dict[str, str]) -> list[Any]:
    library = _library()
    template = {library.Attribute.CLASS: getattr(library.ObjectClass, kind)}
    if "object" in wanted:
        template[library.Attribute.LABEL] = wanted["object"]
    if "id" in wanted:
        template[library.Attribute.ID] = wanted["id"].encode(errors="surrogateescape")
    return list(session.get_objects(template))


def _generate(session: Any, curve: Curve, wanted: dict[str, str]) -> None:
    library = _library()
    attribute = library.Attribute
    parameters = session.create_domain_parameters(
        getattr(library.KeyType, curve.key_type), {attribute.EC_PARAMS: curve.parameters}, local=True
    )
    parameters.generate_keypair(
        mechanism=getattr(library.Mechanism, curve.generation),
        store=True,
        label=wanted["object"],
        id=wanted.get("id", wanted["object"]).encode(errors="surrogateescape"),
        private_template={attribute.SENSITIVE: True, attribute.EXTRACTABLE: False},
    )


def _library() -> ModuleType:
    try:
        return import_module("pkcs11")
    except ImportError as error:
        raise ConfigurationRefused(
            "keys in security modules need another package", hint="pip install 'chainsvc[pkcs11]'"
        ) from error
