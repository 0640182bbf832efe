"""Replacing the service's own keys while it runs, so that no receipt is lost and each still verifies."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.chain.accounts import create_account, open_account
from chainsvc.chain.institutions import Institutions, Purpose
from chainsvc.chain.signer import Signer
from chainsvc.cli.chain_office import Office, office_of
from chainsvc.cli.key_swaps import Swap, prepare
from chainsvc.cli.output import facts, moment, output_of
from chainsvc.crypto.envelope import KeyEncryptionKey
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import Conflict, NotFound
from chainsvc.files import whole, write_secret
from chainsvc.ground import open_journal, read_network
from chainsvc.journal import ledgers, rotation
from chainsvc.keyring import KEK_VARIABLE, checkpoint_signers, is_missing_file, read_kek, read_receipt_key
from chainsvc.note import Signer as NoteSigner
from chainsvc.service.workers import Workers
from chainsvc.settings import Settings, load_settings
from chainsvc.succession import Successor

_RETIRE_S = 600  # for what the account has under way

NewKey = Annotated[
    str | None,
    typer.Argument(metavar="KEY", help="The new key's file or name, made if it is not there; default one like it."),
]
NewAccount = Annotated[
    str, typer.Argument(metavar="KEY", help="The new account's file or name, made if it is missing.")
]
Ends = Annotated[
    int | None,
    typer.Option("--old-ends-in", min=60, metavar="SECONDS", help="Default the network's longest deadline."),
]


def receipt(context: typer.Context, new: NewKey = None, old_ends_in: Ends = None) -> None:
    """Replace the key that signs receipts.

    The new key is registered on chain, the old one is given an end there, and the file is replaced: every process takes
    the new key within a second. A service whose settings name the key itself (pkcs11:…) is to be started anew, process
    by process. Repeat the command if it is stopped.
    """
    settings, output = load_settings(), output_of(context)
    swap = prepare(settings.key_name("receipt"), new)
    with output.working("Replacing the receipt key …"), office_of(settings) as office:
        uscc, until = _registered(office, swap, old_ends_in)
        kept = swap.finish()
    value = {
        "old": swap.old.key_id.hex(),
        "new": swap.new.key_id.hex(),
        "uscc": uscc,
        "old_until": until,
        "kept": kept and str(kept),
    }
    then = "nothing: each process takes it within a second" if kept else f"set receipt_key to {swap.following}"
    rows = [("New key id", swap.new.key_id.hex()), ("Of", uscc), ("Old one ends", moment(until)), ("Left to do", then)]
    output.answer(value, facts([*rows, *([("Old one kept", kept)] if kept else [])]))


def _registered(office: Office, swap: Swap, old_ends_in: int | None) -> tuple[str, int]:
    """Register the new key and end the old one, which still holds for longer than a restart of everything takes."""
    register = office.institutions
    known = register.key_of(swap.old.key_id)
    if known is None:
        raise NotFound("the present receipt key is not registered", hint="chainsvc key add USCC KEY --purpose receipt")
    if register.key_of(swap.new.key_id) is None:
        office.call(known.uscc, register.add_key(known.uscc, swap.new.alg, swap.new.public, Purpose.RECEIPT))
    until = known.until or int(time.time()) + (old_ends_in or register.longest_deadline())
    if not known.until:
        office.call(known.uscc, register.end_key(swap.old.key_id, until))
    return known.uscc, until


def checkpoint(context: typer.Context, new: NewKey = None) -> None:
    """Replace the key that signs checkpoints.

    The descriptor names both keys from then on, and both sign, so that who pinned the descriptor before still trusts
    new checkpoints; every process does so from its next checkpoint on. A service whose settings name the key itself
    (pkcs11:…) is to be started anew, process by process. Delete keys/checkpoint.former.key once everybody has the new
    descriptor.
    """
    settings, output = load_settings(), output_of(context)
    swap, network = prepare(settings.key_name("checkpoint"), new), read_network(settings)
    added = NoteSigner(checkpoint_signers(settings)[0].name, swap.new)
    others = tuple(key for key in network.signers if key != added.verifier_key)
    named = replace(network, signers=(added.verifier_key, *others))
    successor = Successor(named, network.sha256).sign([replace(added, key=swap.old)])
    kept = _keep_former(settings, swap)
    signed = settings.descriptor.with_name(f"successor-{named.sha256.hex()[:8]}.note")
    for path, data in ((signed, successor.to_bytes()), (settings.descriptor, named.to_bytes())):
        with whole(path) as beside:
            beside.write_bytes(data)
    value = {
        "new": str(added.verifier_key),
        "descriptor": str(settings.descriptor),
        "sha256": named.sha256.hex(),
        "successor": str(signed),
        "missing": len(network.signers) // 2 + 1 - len(successor.signed_by(network)),
    }
    rows = [("New key", added.verifier_key), ("Descriptor", f"{settings.descriptor}\nSHA-256 {named.sha256.hex()}")]
    first = "" if kept else f"set checkpoint_key to {swap.following}, start each process anew, and "
    then = f"{first}give verifiers the successor: chainsvc network follow"
    missing = ("Signatures missing", value["missing"])
    output.answer(value, facts([*rows, ("Successor", signed), missing, ("Left to do", then)]))


def _keep_former(settings: Settings, swap: Swap) -> Path | None:
    """Put the new key in place when the old one is where it signs beside it; return where the old one is kept."""
    former = settings.former_checkpoint_key
    kept = swap.keep()
    former.parent.mkdir(parents=True, exist_ok=True)
    former.unlink(missing_ok=True)
    if KeyName.parse(swap.former).scheme != "file":
        write_secret(former, f"{swap.former}\n")
        return swap.finish()
    assert kept is not None  # it is a file
    os.link(kept, former)
    swap.finish()
    kept.unlink()
    return former


def account(context: typer.Context, new: NewAccount) -> None:
    """Let a new account anchor for every organization of this service's ledgers.

    The accounts that act for them delegate it. Then run a worker with it, and retire the old account.
    """
    settings, output = load_settings(), output_of(context)
    signer = create_account(new) if is_missing_file(new) else open_account(new)
    with output.working("Delegating on chain …"), office_of(settings) as office:
        register, organizations = office.institutions, _organizations(office)
        added = [uscc for uscc in organizations if not register.may_anchor(uscc, signer.address)]
        for uscc in added:
            office.call(uscc, register.delegate(uscc, signer.address))
        has_gas = office.ground.node.balance(signer.address) > 0
    name = f"0x{signer.address.hex()}"
    value = {"account": name, "organizations": organizations, "new": added, "has_gas": has_gas}
    then = "run a worker with it, then: chainsvc key retire OLD"
    gas = "has some" if has_gas else "none: give it some, where gas costs"
    rows = [("Account", name), ("Acts for", "\n".join(organizations) or "nobody"), ("Gas money", gas)]
    output.answer(value, facts([*rows, ("Left to do", then)]))


def retire(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="KEY", help="The account's file or name.")],
    after: Annotated[
        int, typer.Option("--in", min=1, metavar="SECONDS", help="From now; what it has under way needs a while.")
    ] = _RETIRE_S,
) -> None:
    """End an anchoring account's right to act for organizations.

    Refused where no other account of the service could anchor for one of them. Let its worker run until it has nothing
    under way.
    """
    settings, output, signer = load_settings(), output_of(context), open_account(old)
    until = int(time.time()) + after
    with output.working("Ending delegations on chain …"), office_of(settings, signer) as office:
        register = office.institutions
        held = [uscc for uscc in _organizations(office) if register.may_anchor(uscc, signer.address)]
        open_ones = [uscc for uscc in held if not _ends(register, uscc, signer)]
        _check_others(office, open_ones, signer)
        for uscc in open_ones:
            office.call(uscc, register.end_delegation(uscc, signer.address, until))
    name = f"0x{signer.address.hex()}"
    rows = [("Account", name), ("Ends", moment(until)), ("For", "\n".join(open_ones) or "nobody: it had ended before")]
    output.answer({"account": name, "until": until, "organizations": open_ones}, facts(rows))


def _ends(register: Institutions, uscc: str, signer: Signer) -> bool:
    delegation = register.delegation_of(uscc, signer.address)
    return delegation is not None and delegation.until > 0


def _check_others(office: Office, organizations: list[str], signer: Signer) -> None:
    """Refuse to leave an organization without an account at work."""
    register = office.institutions
    others = Workers(office.ground.engine, ()).accounts() - {signer.address}
    for uscc in organizations:
        lasting = (register.delegation_of(uscc, other) for other in others if register.may_anchor(uscc, other))
        if not any(one is not None and not one.until for one in lasting):
            raise Conflict(
                "nobody else would anchor for the organization",
                expected="a worker with another account that acts for it, without an end",
                got=uscc,
                hint="chainsvc key rotate account, then run a worker with that account.",
            )


def _organizations(office: Office) -> list[str]:
    """Return the organizations of this journal's ledgers, and that of the receipt key."""
    with office.ground.engine.connect() as conn:
        found = {ledger.uscc for ledger in ledgers.listing(conn)}
    registered = office.institutions.key_of(read_receipt_key(office.ground.settings).key_id)
    return sorted(found if registered is None else found | {registered.uscc})


def kek(context: typer.Context) -> None:
    """Replace the key-encryption key.

    The new key is HOME/keys/kek.next.key, made if it is not there. Where processes run on other machines, make it first
    (chainsvc key new) and put a copy there on each: they find it by themselves. New records are wrapped with it at
    once, then what was stored before, page by page. Repeat the command if it is stopped.
    """
    settings, output = load_settings(), output_of(context)
    following, present = settings.kek_next, settings.key("kek")
    if not following.exists():
        SigningKey.generate().to_file(following)  # 32 random bytes, mode 0600, like any other
    old, new = read_kek(settings), KeyEncryptionKey.from_file(following)
    with output.working("Wrapping every key anew …"), open_journal(settings) as engine:
        with engine.begin() as conn:
            rotation.switch(conn, old, new)
        count = rotation.rewrap_chunks(engine, old, new)
    kept = _replace_kek(present, following, old) if KEK_VARIABLE not in os.environ else None
    value = {"check": new.check_value.hex()[:8], "chunks": count, "file": str(present), "kept": kept and str(kept)}
    then = f"set {KEK_VARIABLE} to what is in {following}" if kept is None else f"delete {kept} when no backup needs it"
    rows = [("Wrapped anew", f"{count:,} chunk keys"), ("Key", following if kept is None else present)]
    output.answer(value, facts([*rows, ("Left to do", then)]))


def _replace_kek(present: Path, following: Path, old: KeyEncryptionKey) -> Path:
    """Keep the old key beside, which backups made before need; a stop in between leaves both."""
    kept = present.with_name(f"{present.stem}.{old.check_value.hex()[:8]}{present.suffix}")
    if present.exists():
        kept.unlink(missing_ok=True)
        os.link(present, kept)
    following.replace(present)
    return kept
