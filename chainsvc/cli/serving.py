"""Running the service."""

import fcntl
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Annotated, NamedTuple, NoReturn

import typer
from rich.box import ROUNDED
from rich.panel import Panel

from chainsvc import devnet
from chainsvc.bootstrap import Running, running
from chainsvc.chain.institutions import Purpose, Role
from chainsvc.cli.chain_desk import desk
from chainsvc.cli.networks import described
from chainsvc.cli.organizations import checked
from chainsvc.cli.output import Output, facts, output_of
from chainsvc.errors import ConfigurationRefused, StartRefused
from chainsvc.ground import Ground, deploy_devnet, grounded
from chainsvc.keyring import make_keys, read_accounts, read_receipt_key
from chainsvc.logs import setup_logs
from chainsvc.serving import listen, served, url_of, watched, worked
from chainsvc.serving.processes import supervised
from chainsvc.settings import Settings, load_settings

_LOOK_S = 0.5

LogLevel = Annotated[str, typer.Option("--log-level", help="Smallest level on the error stream: DEBUG to CRITICAL.")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Of the API; 0 takes a free one.")]


DEVNET_OPERATOR = "Y1100000CHA1N00047"
"""Who runs the service on a local chain, unless told otherwise: a well-formed code of no organization."""


class Serving(NamedTuple):
    """How to serve.

    Attributes:
        worker: With a worker.
        log_level: Smallest level on the error stream.
    """

    worker: bool
    log_level: str


class _Stop(BaseException):
    """Somebody asked the service to stop."""


def up(
    context: typer.Context,
    port: Port = None,
    operator: Annotated[
        str, typer.Option("--operator", metavar="USCC", help="Organization that the receipt key is registered for.")
    ] = DEVNET_OPERATOR,
    log_level: LogLevel = "WARNING",
) -> None:
    """Start everything on this machine: chain, database, service.

    All of it lives in CHAINSVC_HOME: keys are made and contracts deployed the first time. Ctrl-C stops it; nothing
    that was accepted is lost, and the next start goes on.
    """
    settings, output = _settings(port), output_of(context)
    _no_other_parts(settings)
    setup_logs(level=log_level)
    with _alone(settings), _stoppable(output), _devnet(settings, output, operator):
        _serve(settings, output, Serving(worker=True, log_level=log_level))


def serve(
    context: typer.Context,
    port: Port = None,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, max=64, help="Processes of the API; from 2 on the worker is its own."),
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Serve the API alone; 'chainsvc worker' anchors somewhere else.")
    ] = False,
    log_level: LogLevel = "INFO",
) -> None:
    """Serve on the configured node and database.

    API and worker run until SIGINT or SIGTERM. Any number of them may share one PostgreSQL, on one machine or several.
    """
    settings, output = _settings(port, api_processes=processes), output_of(context)
    setup_logs(level=log_level)
    with _stoppable(output):
        _serve(settings, output, Serving(worker=not no_worker, log_level=log_level))


def worker(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Answer /healthz, /readyz and /metrics there; 0 takes a free one."
        ),
    ] = None,
    log_level: LogLevel = "INFO",
) -> None:
    """Seal and anchor what the API's processes accept.

    Give each worker an account of its own (CHAINSVC_ACCOUNT_KEY_FILE) to anchor different ledgers in parallel: ledgers
    are shared out among the accounts that their organizations let act for them. A worker whose account is held by
    another one stands by, and takes over when that one ends or falls silent for CHAINSVC_LEASE_S.
    """
    settings, output = load_settings(), output_of(context)
    setup_logs(level=log_level)
    with _stoppable(output), ExitStack() as stack:
        with output.working("Opening the journal …"):
            parts = stack.enter_context(running(settings))
            _require_account(parts)
            stack.enter_context(worked(parts))
            url = None if port is None else stack.enter_context(watched(parts, port))
        _announce_worker(output, parts, url)
        _work(parts)


def _settings(port: int | None, **values: int | None) -> Settings:
    return load_settings(**{name: one for name, one in {"port": port, **values}.items() if one is not None})


def _require_account(parts: Running) -> None:
    if not parts.workers:
        raise ConfigurationRefused(
            "a worker needs an account to anchor with",
            where=str(parts.settings.key("account")),
            hint="Put its key file there, or name it in CHAINSVC_ACCOUNT_KEY_FILE.",
        )


def _no_other_parts(settings: Settings) -> None:
    if settings.nodes:
        raise ConfigurationRefused(
            "'up' runs a chain of its own, and a node is set",
            got=", ".join(settings.nodes),
            where="CHAINSVC_NODE_URL or CHAINSVC_NODE_URLS",
            hint="Unset it, or use 'chainsvc serve'.",
        )


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the home folder: a second 'up' in it would stop the first one's chain when it ends."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartRefused(
                "'chainsvc up' runs in this home already",
                where=str(settings.home),
                hint="Use that one, stop it first, or set another CHAINSVC_HOME.",
            ) from error
        yield


@contextmanager
def _devnet(settings: Settings, output: Output, operator: str) -> Iterator[None]:
    """Run the local chain, deploying the contracts where that was never done; stop it unless it ran before."""
    home = settings.home / "devnet"
    before = devnet.status(home)
    try:
        with output.working("Starting the local chain …"):
            local = devnet.up(home)
        with devnet.tended(home):
            _founded(settings, output, operator, local)
            yield
    finally:
        if before is None or not before.running:
            devnet.down(home)


def _founded(settings: Settings, output: Output, operator: str, local: devnet.Devnet) -> None:
    make_keys(settings)
    if not settings.descriptor.exists():
        with output.working("Deploying the contracts …"):
            deploy_devnet(settings, local)
    with output.working("Registering the receipt key …"):
        _register_receipt_key(settings, operator)


def _register_receipt_key(settings: Settings, operator: str) -> None:
    """Register the key that signs receipts, without which verifiers refuse them; whose it is already stays so."""
    acting, key = desk(settings, None), read_receipt_key(settings)
    if acting.institutions.key_of(key.key_id) is None:
        acting.register(checked(operator), Role.OPERATOR)
        acting.add_key(operator, key.alg, key.public, key.key_id, Purpose.RECEIPT)


def _serve(settings: Settings, output: Output, how: Serving) -> None:
    (_serve_here if settings.api_processes == 1 else _serve_in_processes)(settings, output, how)


def _serve_here(settings: Settings, output: Output, how: Serving) -> None:
    with ExitStack() as stack:
        with output.working("Opening the journal …"):
            parts = stack.enter_context(running(settings))
            if how.worker:
                _require_account(parts)
            url = stack.enter_context(served(parts, worker=how.worker))
        _announce(output, parts, url)
        _work(parts)


def _serve_in_processes(settings: Settings, output: Output, how: Serving) -> None:
    with ExitStack() as stack:
        with output.working("Opening the journal …"):
            ground = stack.enter_context(grounded(settings))
            listener = listen(settings.host, settings.port)
            processes = supervised(ground.settings, listener, worker=how.worker, log_level=how.log_level)
            running_ones = stack.enter_context(processes)
        _announce(output, ground, url_of(listener))
        while True:
            running_ones.look()
            time.sleep(_LOOK_S)


def _work(parts: Running) -> NoReturn:
    """Go on until the process is told to stop, or until going on would do harm."""
    while True:
        for worker in parts.workers:
            if worker.failure is not None:
                raise worker.failure
        time.sleep(_LOOK_S)


def _announce_worker(output: Output, parts: Running, url: str | None) -> None:
    accounts = [f"0x{signer.address.hex()}" for signer in read_accounts(parts.settings)]
    value = {"url": url, "node": parts.node.url, "accounts": accounts, "network": described(parts.network)}
    shown = facts([("Health", url or "not served"), ("Node", parts.node.url), ("Accounts", "\n".join(accounts))])
    output.answer(
        value, Panel(shown, title="chainsvc worker", subtitle="Ctrl-C stops", box=ROUNDED, expand=False, padding=(1, 2))
    )


def _announce(output: Output, parts: Running | Ground, url: str) -> None:
    network, settings = parts.network, parts.settings
    value = {"url": url, "node": parts.node.url, "home": str(settings.home), "network": described(network)}
    contracts = sorted({(ledger.address.hex(), ledger.kind) for ledger in network.ledgers})
    by_address: dict[str, list[str]] = {}
    for address, kind in contracts:
        by_address.setdefault(address, []).append(kind)
    shown = facts(
        [
            ("API", url),
            ("Documentation", f"{url}/docs"),
            ("Network", f"{network.name} {network.network_id.hex()}"),
            ("Descriptor", f"{settings.descriptor}\nSHA-256 {network.sha256.hex()}"),
            ("Node", f"{parts.node.url}, chain {network.chain_id}"),
            ("Institutions", f"0x{network.institutions.address.hex()}"),
            *((", ".join(kinds), f"0x{address}") for address, kinds in by_address.items()),
            ("Home", settings.home),
        ]
    )
    panel = Panel(shown, title="chainsvc", subtitle="Ctrl-C stops", box=ROUNDED, expand=False, padding=(1, 2))
    output.answer(value, panel)


@contextmanager
def _stoppable(output: Output) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the block in good order, and the command with success."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # once is enough: cleaning up is not to be interrupted
        raise _Stop

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stop:
        output.remark("Stopped; the next start goes on where this one ended.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
