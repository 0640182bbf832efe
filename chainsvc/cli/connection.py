"""What commands talk to: the service with an API key, a pinned network, a node of one's own."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

from chainsvc import devnet
from chainsvc.cli.output import Output
from chainsvc.client import Client, Queue
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import AccessDenied, ConfigurationRefused
from chainsvc.network import MAX_BYTES, Network
from chainsvc.settings import Settings
from chainsvc.succession import MAX_BYTES as MAX_SUCCESSORS
from chainsvc.succession import follow, parse_all

RETRY_S = 10.0
"""Seconds in which a call is repeated while the service is away."""


@contextmanager
def connected(
    output: Output,
    settings: Settings,
    *,
    store: Path | None = None,
    signing_key: Path | None = None,
    queue: Path | None = None,
    queue_key: Path | None = None,
    anonymous: bool = False,
) -> Iterator[Client]:
    """Open a client of the service, pinned to the home's network where there is a descriptor.

    Args:
        output: Where to say that the service is waited for.
        settings: Name the service's address and the key file.
        store: File of the private store, for private mode.
        signing_key: File of the organization's signing key, for signed ledgers.
        queue: File of the local queue.
        queue_key: File of the key that seals it.
        anonymous: The calls need no API key.

    Raises:
        AccessDenied: No API key is set.
        ConfigurationRefused: A file does not hold what it should.
    """
    client = Client(
        settings.url,
        None if anonymous else api_key(settings),
        private=store is not None,
        store=store,
        signing_key=None if signing_key is None else SigningKey.from_file(signing_key),
        network=pinned_network(settings, None),
        retry_s=RETRY_S,
        queue=None if queue is None else Queue(queue, key_file=queue_key),
    )
    with client, _telling_of_waits(output, settings.url):
        yield client


@contextmanager
def _telling_of_waits(output: Output, url: str) -> Iterator[None]:
    """Say once that calls are being repeated, instead of logging each attempt."""

    def told(details: RetryDetails) -> None:
        if details.retry_num == 1:
            output.remark(f"The service at {url} does not answer; trying for {RETRY_S:.0f} s …")

    before = get_on_retry_hooks()
    set_on_retry_hooks([told])
    try:
        yield
    finally:
        set_on_retry_hooks(before)


def api_key(settings: Settings) -> str:
    """Return the API key.

    Raises:
        AccessDenied: None is set.
        ConfigurationRefused: Its file can't be read, or is empty.
    """
    path = settings.api_key_file
    if path is None:
        raise AccessDenied(
            "no API key is set",
            expected="a file with the key",
            where="CHAINSVC_API_KEY_FILE",
            hint="The operator makes one: chainsvc key api create --org USCC --scope notarize -o FILE.",
        )
    try:
        key = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused("the API key file can't be read", where=str(path)) from error
    if not key:
        raise ConfigurationRefused("the API key file is empty", where=str(path))
    return key


def pinned_network(settings: Settings, named: Path | None) -> Network | None:
    """Return the descriptor that the user names, else the one that is set, else the home's; None without any.

    Raises:
        OSError: The named file can't be read.
        ConfigurationRefused: The set file is missing.
        MalformedInput: Not a descriptor.
    """
    if named is not None:
        return Network.parse(read(named, MAX_BYTES))
    if settings.network_file is not None and not settings.network_file.exists():
        raise ConfigurationRefused("there is no network descriptor", where=str(settings.network_file))
    return Network.parse(read(settings.descriptor, MAX_BYTES)) if settings.descriptor.exists() else None


def followed(network: Network, files: Iterable[Path]) -> Network:
    """Return the newest descriptor that the files' successors lead to.

    Raises:
        OSError: A file can't be read.
        MalformedInput: One holds no successors.
        NetworkMismatch: A successor does not follow, or changes what never changes.
        SignatureRefused: Too few signers signed one.
    """
    return follow(network, [one for file in files for one in parse_all(read(file, MAX_SUCCESSORS))])


def node_urls(settings: Settings, named: Sequence[str] | None) -> tuple[str, ...]:
    """Return the nodes that the user names, else those that are set, else the home's devnet; nothing without any."""
    if named or settings.nodes:
        return tuple(named or settings.nodes)
    local = devnet.status(settings.home / "devnet")
    return () if local is None else (local.url,)


def read(path: Path, most: int) -> bytes:
    """Return a file's bytes, one more than ``most`` of a larger one, which its reader then refuses."""
    with path.open("rb") as file:
        return file.read(most + 1)
