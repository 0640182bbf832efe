"""How settings and commands name a key: a file, or a URI that says who holds it.

::

    /etc/chainsvc/receipt.key                                       64 hex digits in a file
    file:/etc/chainsvc/receipt.key                                  the same
    keystore:/etc/chainsvc/receipt.pem?password-file=/run/secret    encrypted; opened at the start
    web3signer:https://signer.example/0x<public key>?ca-file=…      accounts only; the key stays with the signer
    pkcs11:token=chainsvc;object=receipt?module-path=…&pin-source=… RFC 7512; the key stays in the module

A name holds no secret: passwords and PINs stand in files that only their owner may read.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.parse import unquote

from chainsvc.errors import ConfigurationRefused

_OPTIONS = {
    "file": frozenset[str](),
    "keystore": frozenset({"password-file"}),
    "web3signer": frozenset({"ca-file", "cert-file", "key-file", "timeout-s"}),
    "pkcs11": frozenset({"module-path", "pin-source"}),
}
_NEEDED = {"keystore": ("password-file",), "pkcs11": ("module-path", "pin-source")}


class KeyName(NamedTuple):
    """The name of a key, taken apart.

    Attributes:
        scheme: ``file``, ``keystore``, ``web3signer`` or ``pkcs11``.
        place: What stands between scheme and options: a path, an address, or attributes.
        options: What stands behind the question mark.
        text: The whole name, for messages.
    """

    scheme: str
    place: str
    options: Mapping[str, str]
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name; what begins with none of the schemes is a path.

        Raises:
            ConfigurationRefused: An option is missing, unknown or twice there.
        """
        scheme, colon, rest = text.partition(":")
        if not colon or scheme not in _OPTIONS:
            return cls("file", text, {}, text)
        place, _, query = (rest, "", "") if scheme == "file" else rest.partition("?")
        options = pairs(query, "&", text)
        for name in options:
            if name not in _OPTIONS[scheme]:
                expected = ", ".join(sorted(_OPTIONS[scheme]))
                raise ConfigurationRefused("a key's name has an unknown option", expected=expected, got=name)
        for name in _NEEDED.get(scheme, ()):
            if not options.get(name):
                raise ConfigurationRefused("a key's name lacks an option", expected=f"{name}=…", where=text)
        return cls(scheme, place, options, text)


def pairs(text: str, separator: str, where: str) -> dict[str, str]:
    """Return what ``a=b`` pairs say, percent-decoded (RFC 3986 section 2.1).

    Raises:
        ConfigurationRefused: A part is no pair, or one stands there twice.
    """
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise ConfigurationRefused("a key's name is malformed", expected="name=value, once", got=part, where=where)
        found[name] = unquote(value, errors="surrogateescape")  # ids are bytes
    return found
