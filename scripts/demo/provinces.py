"""A second province on the same network: a home, database, service, account and keys of its own.

Its office dissolves a marriage that the first province registered, and a regulator audits both in one command. What an
operator does with the command line is done with it here.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from chainsvc import bootstrap, devnet, ground, keyring
from chainsvc.admin import Desk
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose, Role
from chainsvc.client import Accepted, Client
from chainsvc.crypto.keys import ED25519, key_id
from chainsvc.errors import NotReady
from chainsvc.heads import Status
from chainsvc.record import Record
from chainsvc.serving import served
from chainsvc.settings import Settings
from demo.proving import Chosen, coloured, divorce_record, evidence_of, trust_in, wait_standing
from demo.screen import Screen
from demo.stage import OFFICE, Organization, Stage, api_key, marriage_ledger

OTHER = Organization(
    "other-office",
    "外省婚姻登记处",
    "11340100600318450Y",
    Role.ISSUER | Role.REGISTRATION_OFFICE | Role.OPERATOR,
)
"""Registers marriages in the second province, and runs its service."""

_MARRIAGE = "J110105-2026-000005"
_FINDINGS = 13  # exit status of an audit with findings
_PATIENCE_S = 120.0


def show_provinces(screen: Screen, stage: Stage) -> int:
    """Show the second province; return how many things were not as they should be."""
    screen.section("9  A second province on the same network")
    settings = _settings(stage)
    with screen.step("joins with keys and a home of its own") as notes:
        joined = _chainsvc(settings, "network", "join", stage.home / "network.json", "--operator", OTHER.uscc)
        new = _admit(stage, joined)
        notes.append(f"{OTHER.uscc}, {'admitted' if new else 'known'}")
    with _service(screen, stage, settings) as client:
        marriage = Chosen("marriage", stage.clients[OFFICE.slug], marriage_ledger(), _MARRIAGE)
        reason = _divorce(screen, client, marriage)
        _dissolve(screen, settings, marriage, reason)
        return _verdict(screen, stage, marriage) + _audit(screen, stage, settings, client)


def _settings(stage: Stage) -> Settings:
    second = {"home": stage.home / "second-province", "node_urls": ground.node_urls(stage.parts.settings), "port": 0}
    return stage.parts.settings.model_copy(update=second)


def _admit(stage: Stage, joined: dict[str, Any]) -> bool:
    """Do what the network's registrar does for who joins; return whether it was new."""
    account, key = bytes.fromhex(joined["accounts"][0][2:]), bytes.fromhex(joined["receipt_key"])
    with closing(HttpNode(stage.node_url)) as node:
        if node.balance(account) == 0:
            local = devnet.status(stage.home / "devnet")
            assert local is not None  # it runs
            devnet.fund(local, [account])
        desk = Desk(node, stage.parts.network, keyring.read_admin(stage.parts.settings))
        new = desk.register(OTHER.uscc, OTHER.roles)
        with desk.together() as at_once:
            at_once.delegate(OTHER.uscc, account)
            at_once.add_key(OTHER.uscc, ED25519, key, key_id(ED25519, key), Purpose.RECEIPT)
    return new


@contextmanager
def _service(screen: Screen, stage: Stage, settings: Settings) -> Iterator[Client]:
    """Run the second province's own service."""
    with ExitStack() as stack:
        with screen.step("its own database and service") as notes:
            parts = stack.enter_context(bootstrap.running(settings))
            url = stack.enter_context(served(parts))
            notes.append(url)
        second = Stage(settings.home, parts, url, stage.regulator)
        yield stack.enter_context(Client(url, api_key(second, OTHER), network=parts.network))


def _divorce(screen: Screen, client: Client, marriage: Chosen) -> Accepted:
    """Register a divorce in the second province's ledger, of a marriage in the first one's."""
    own, target = client.open_ledger(f"marriage/{OTHER.uscc}/2026").name, marriage.status()
    there = {"ledger": marriage.ledger, "seq": target.seq, "commitment": target.commitment.hex()}
    record = divorce_record(Record.from_json(dict(target.record or {})))
    record = replace(record, ledger=own, body={**record.body, "registration": there})
    with screen.step("its office registers a divorce") as notes:
        accepted = client.notarize(record)
        client.wait(accepted, _PATIENCE_S)
        notes.append(f"{record.reference} of {marriage.reference}, {'known' if accepted.again else 'new'}")
    return accepted


def _dissolve(screen: Screen, settings: Settings, marriage: Chosen, reason: Accepted) -> None:
    target = marriage.status()
    with screen.step("and dissolves the marriage on chain") as notes:
        mark = ("ledger", "mark", marriage.ledger, target.seq, "--set", "dissolved", "--cause")
        told = _chainsvc(settings, *mark, reason.commitment.hex())
        wait_standing(marriage.client, target.commitment, Status.DISSOLVED)
        notes.append("now" if told["new"] else "known from an earlier run")


def _verdict(screen: Screen, stage: Stage, marriage: Chosen) -> int:
    verdict = trust_in(stage).offline(evidence_of(stage, marriage))
    screen.line(f"{marriage.reference}, whose evidence the first province issues, is {coloured(verdict.verdict)}")
    return str(verdict.verdict) != "dissolved"


def _audit(screen: Screen, stage: Stage, settings: Settings, client: Client) -> int:
    """Audit both provinces' ledgers as a regulator does: one command, a node, a pinned descriptor."""
    files = [stage.home / "first-province.ndjson", stage.home / "second-province.ndjson"]
    stage.clients[OFFICE.slug].export(marriage_ledger(), files[0], disclose=True)
    client.export(f"marriage/{OTHER.uscc}/2026", files[1], disclose=True)
    against = ("--network", stage.home / "network.json", "--node", stage.node_url)
    with screen.step("a regulator audits both in one command") as notes:
        first, second = _chainsvc(settings, "audit", *files, *against, allowed=_FINDINGS)["audits"]
        notes += [f"entries {one['entries']:,}, findings {one['found']}" for one in (first, second)]
    codes = {finding["code"] for finding in first["findings"]}
    screen.line("what it finds: certificates issued again after a divorce, which change no standing any more")
    return codes != {"effect-missing"} or second["outcome"] != "complete"


def _chainsvc(settings: Settings, *words: object, allowed: int = 0) -> Any:
    """Run a command in the second province's home; return what it answers.

    Args:
        settings: Of the second province.
        words: The command.
        allowed: The exit status, besides 0, that is no failure.
    """
    values = {"CHAINSVC_HOME": str(settings.home), "CHAINSVC_NODE_URLS": orjson.dumps(settings.node_urls).decode()}
    program = Path(sys.executable).with_name("chainsvc")
    line = [str(program), *map(str, words), "--json"]
    done = subprocess.run(line, env=os.environ | values, capture_output=True, text=True, check=False)
    if done.returncode not in (0, allowed):
        raise NotReady("a command of the second province failed", got=done.stderr.strip()[-400:] or done.stdout[-400:])
    return orjson.loads(done.stdout)
