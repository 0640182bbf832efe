"""The validators of a consortium on this machine: what they have, stopping and starting one, watching all."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.output import Output, facts, listing, output_of
from chainsvc.devnet import Devnet, Member, consortium
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Judgement
from chainsvc.devnet.consortium.watching import BLOCKS, Sight, look
from chainsvc.errors import Conflict, NodeUnavailable
from chainsvc.settings import load_settings

_LOOK_S = 2.0

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="As 'devnet status' numbers them, from 1 on.")]


def stop_validator(context: typer.Context, number: Number) -> None:
    """Stop one validator of a consortium.

    The others go on as long as more than half of all seal.
    """
    consortium.stop_validator(_home(), number)
    output_of(context).answer({"validator": number, "running": False}, facts([("Stopped", f"validator {number}")]))


def start_validator(context: typer.Context, number: Number) -> None:
    """Start one validator of a consortium.

    It takes from the others what it missed; the command ends when it has that.
    """
    with output_of(context).working("Starting the validator …"):
        consortium.start_validator(_home(), number)
    output_of(context).answer({"validator": number, "running": True}, facts([("Started", f"validator {number}")]))


def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Look once; exit status 7 when the chain stands still.")] = False,
    heal: Annotated[bool, typer.Option("--cure", help="Cure a deadlock when there is one.")] = False,
) -> None:
    """Tell how a consortium's chain is whenever that changes.

    It names a chain that stands still, the age of its head, who is missing, and a deadlock with its cure. Ctrl-C ends
    it.
    """
    output, kept = output_of(context), consortium.kept(_home())
    judgement = _look(output, kept, None, heal=heal)
    if once:
        raise typer.Exit(0 if judgement.well else NodeUnavailable.exit_code)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does: a cure tidies up behind itself
    while True:
        time.sleep(_LOOK_S)
        judgement = _look(output, kept, judgement, heal=heal)


def cure(context: typer.Context) -> None:
    """Cure the deadlock of an even split of validators.

    One side is set back to the block that both sides have, and follows the other. Refused when the chain goes on.
    """
    _cure(output_of(context))


def show_consortium(context: typer.Context, found: Devnet) -> None:
    """Show what each validator has, and who sealed how many of the last blocks."""
    sight = look(Consortium.read(found.home), BLOCKS)
    value = {"home": str(found.home), "engine": found.engine, "url": found.url, "chain_id": found.chain_id}
    value |= {"running": found.running, **_judged(sight.judgement), "blocks": sight.blocks}
    value["validators"] = [_member_value(member, sight) for member in found.validators]
    now = time.time()
    rows = [_member_row(member, sight, now) for member in found.validators]
    columns = ["validator", "JSON-RPC", "process", "height", "head", "age", "peers", f"sealed of {sight.blocks}"]
    output_of(context).answer(
        value,
        facts([("Chain", f"{found.chain_id} ({found.engine}) in {found.home}"), ("State", sight.judgement.text)]),
        listing(columns, rows, right=[name for name in columns if name not in {"JSON-RPC", "head"}]),
    )


def _home() -> Path:
    return load_settings().home / "devnet"


def _look(output: Output, kept: Consortium, before: Judgement | None, *, heal: bool) -> Judgement:
    """Look once; tell what is new, which a growing height or age is not."""
    judgement = look(kept).judgement
    if before is None or _told(before) != _told(judgement):
        output.answer(_judged(judgement), f"{time.strftime('%H:%M:%S')}  {judgement.text}")
    if heal and judgement.is_curable:
        try:
            _cure(output)
        except (Conflict, NodeUnavailable) as error:  # the next look tells how it is then
            output.remark(str(error))
    return judgement


def _told(judgement: Judgement) -> tuple[object, ...]:
    return judgement.condition, judgement.answering, judgement.sides


def _cure(output: Output) -> None:
    done = consortium.cure(_home())
    numbers = " and ".join(map(str, done.validators))
    value = {"set_back": list(done.validators), "to_block": done.height}
    output.answer(value, facts([("Set back", f"validator {numbers} to block {done.height}")]))


def _judged(judgement: Judgement) -> dict[str, object]:
    return {
        "condition": judgement.condition.value,
        "well": judgement.well,
        "height": judgement.height,
        "head_age": judgement.head_age,
        "answering": list(judgement.answering),
        "sides": [list(side) for side in judgement.sides],
        "text": judgement.text,
    }


def _member_value(member: Member, sight: Sight) -> Mapping[str, object]:
    view = sight.views[member.number]
    value: dict[str, object] = {"number": member.number, "url": member.url, "pid": member.pid}
    value["account"] = member.address and f"0x{member.address.hex()}"
    if view is not None:
        value |= {"height": view.height, "head": view.hash.hex(), "head_time": view.head_time, "peers": view.peers}
    return value | {"sealed": sight.sealed[member.number]}


def _member_row(member: Member, sight: Sight, now: float) -> tuple[object, ...]:
    view = sight.views[member.number]
    seen = (
        ("-",) * 4 if view is None else (view.height, view.hash.hex()[:8], f"{now - view.head_time:.0f} s", view.peers)
    )
    return member.number, member.url, member.pid, *seen, sight.sealed[member.number]
