"""Webhooks: who is told of what, what became of telling, and telling again."""

import time
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.connection import connected
from chainsvc.cli.key_files import fresh
from chainsvc.cli.output import facts, listing, moment, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client import Client, Delivery, Endpoint
from chainsvc.client.answers.webhooks import DELIVERY_STATES, EVENT_TYPES
from chainsvc.files import write_secret
from chainsvc.settings import load_settings

_EVENTS = ", ".join(EVENT_TYPES)
_STATES = ", ".join(DELIVERY_STATES)
_LOOK_S = 0.2

Id = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's id.")]
SecretFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="A new file for the secret, mode 0600.")
]


def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted, https://…")],
    events: Annotated[list[str], typer.Option("--event", help=f"May repeat: {_EVENTS}.")],
    ledger: Annotated[str | None, typer.Option("--ledger", metavar="NAME", help="Of this ledger alone.")] = None,
    all_ledgers: Annotated[
        bool, typer.Option("--all-ledgers", help="Of every organization's ledgers (scope audit).")
    ] = False,
    description: Annotated[str, typer.Option("--description", help="What people call it.")] = "",
    asymmetric: Annotated[
        bool, typer.Option("--asymmetric", help="Sign with Ed25519: the receiver has a public key, no secret.")
    ] = False,
    output_file: SecretFile = None,
) -> None:
    """Ask to be told of events; the secret is shown this once.

    With -o it goes to a file and is not shown at all.
    """
    output = output_of(context)
    if output_file is not None:
        fresh(output_file)
    with connected(output, load_settings()) as client:
        made = client.webhooks.add(
            url,
            events,
            all_ledgers=all_ledgers,
            ledger=ledger,
            description=description,
            scheme="v1a" if asymmetric else "v1",
        )
    _show_secret(context, made, output_file)


def rotate(context: typer.Context, endpoint: Id, output_file: SecretFile = None) -> None:
    """Make a new secret; the one before signs beside it for a day."""
    output = output_of(context)
    if output_file is not None:
        fresh(output_file)
    with connected(output, load_settings()) as client:
        made = client.webhooks.rotate(endpoint)
    _show_secret(context, made, output_file)


def list_all(context: typer.Context) -> None:
    """List all endpoints of the organization."""
    output = output_of(context)
    with connected(output, load_settings()) as client:
        found = client.webhooks.list()
    rows = [(one.id, one.url, " ".join(one.events), _reach(one), _state(one)) for one in found]
    shown = listing(("Endpoint", "URL", "Events", "Of", "State"), rows)
    output.answer({"endpoints": [one.to_json() for one in found]}, shown)


def show(context: typer.Context, endpoint: Id) -> None:
    """Show an endpoint."""
    output = output_of(context)
    with connected(output, load_settings()) as client:
        found = client.webhooks.get(endpoint)
    output.answer(found.to_json(), facts(_rows(found)))


def remove(context: typer.Context, endpoint: Id) -> None:
    """Remove an endpoint, and what was still to be told to it."""
    output = output_of(context)
    with connected(output, load_settings()) as client:
        client.webhooks.remove(endpoint)
    output.answer({"id": endpoint, "removed": True}, facts([("Removed", endpoint)]))


def enable(context: typer.Context, endpoint: Id) -> None:
    """Enable an endpoint that was disabled; what it missed is sent by 'webhook replay'."""
    output = output_of(context)
    with connected(output, load_settings()) as client:
        found = client.webhooks.enable(endpoint)
    output.answer(found.to_json(), facts(_rows(found)))


def try_one(
    context: typer.Context,
    endpoint: Id,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the receiver's answer.")] = 30.0,
) -> None:
    """Send a test message, and show what the receiver answers."""
    output = output_of(context)
    with connected(output, load_settings()) as client, output.working("Waiting for the receiver …"):
        found = _tried(client, endpoint, client.webhooks.test(endpoint), wait_s)
    output.answer(found.to_json(), facts(_delivery_rows(found)))


def deliveries(
    context: typer.Context,
    endpoint: Id,
    state: Annotated[str | None, typer.Option("--state", help=f"Of this state only: {_STATES}.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="Most of them.")] = 50,
) -> None:
    """List an endpoint's deliveries with their last answers, the newest first."""
    output, chosen = output_of(context), next((one for one in DELIVERY_STATES if one == state), None)
    if chosen != state:
        raise UsageRefused("no such state", expected=_STATES, got=state)
    with connected(output, load_settings()) as client:
        found = [one for one, _ in zip(client.webhooks.deliveries(endpoint, state=chosen), range(most), strict=False)]
    rows = [
        (one.id, one.type, moment(one.happened_at), one.state, one.attempts, moment(one.due_at), one.status, one.answer)
        for one in found
    ]
    columns = ("Message", "Event", "Happened", "State", "Attempts", "Next", "Status", "Answer")
    output.answer(
        {"deliveries": [one.to_json() for one in found]}, listing(columns, rows, right=("Attempts", "Status"))
    )


def replay(
    context: typer.Context,
    endpoint: Id,
    message: Annotated[str | None, typer.Argument(metavar="[MESSAGE]", help="One message's id, evt_…")] = None,
    since: Annotated[
        int | None, typer.Option("--since", min=0, metavar="TIME", help="All since then, Unix seconds.")
    ] = None,
    delivered: Annotated[bool, typer.Option("--delivered", help="Also what was delivered.")] = False,
) -> None:
    """Send one message again, or all that are dead since a time."""
    if (message is None) == (since is None) or (message is not None and delivered):
        raise UsageRefused("either one message or a time", expected="MESSAGE, or --since TIME [--delivered]")
    output = output_of(context)
    with connected(output, load_settings()) as client:
        if message is not None:
            found = client.webhooks.replay(endpoint, message)
            output.answer(found.to_json(), facts(_delivery_rows(found)))
            return
        count = client.webhooks.replay_since(endpoint, since or 0, delivered=delivered)
    output.answer({"replayed": count}, facts([("Sent again", f"{count} messages")]))


def _tried(client: Client, endpoint: str, delivery: Delivery, wait_s: float) -> Delivery:
    """Look until an attempt was made and answered, or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        delivery = client.webhooks.delivery(endpoint, delivery.id)
        is_answered = delivery.status is not None or delivery.answer is not None
        if is_answered or time.monotonic() >= deadline:
            return delivery
        time.sleep(_LOOK_S)


def _show_secret(context: typer.Context, made: Endpoint, file: Path | None) -> None:
    secret = made.secret or ""
    if file is not None:
        write_secret(file, f"{secret}\n")
    value = {**made.to_json(), "secret": None if file else secret, "file": file and str(file)}
    shown = f"in {file}" if file else secret
    output_of(context).answer(value, facts([("Secret", shown), *_rows(made)]))


def _rows(found: Endpoint) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("Endpoint", found.id),
        ("URL", found.url),
        ("Events", ", ".join(found.events)),
        ("Of", _reach(found)),
        ("Signed", "HMAC-SHA256 (v1)" if found.scheme == "v1" else "Ed25519 (v1a)"),
        ("State", _state(found)),
    ]
    if found.old_secret_until is not None:
        rows.append(("Old secret", f"signs too until {moment(found.old_secret_until)}"))
    return rows if not found.description else [*rows, ("Description", found.description)]


def _reach(found: Endpoint) -> str:
    return found.ledger or ("all ledgers" if found.all_ledgers else "own ledgers")


def _state(found: Endpoint) -> str:
    if found.disabled_at is not None:
        return f"disabled {moment(found.disabled_at)}: {found.disabled_because}"
    return "open" if found.failing_since is None else f"failing since {moment(found.failing_since)}"


def _delivery_rows(found: Delivery) -> list[tuple[str, object]]:
    return [
        ("Message", found.id),
        ("Event", found.type),
        ("State", found.state),
        ("Attempts", found.attempts),
        ("Next", moment(found.due_at)),
        ("Status", found.status),
        ("Answer", found.answer),
    ]
