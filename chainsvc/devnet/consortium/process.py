"""One validator's process: started, stopped, killed."""

import subprocess
import time
from pathlib import Path

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.genesis import GAS_LIMIT, prepare
from chainsvc.devnet.ports import becomes_free
from chainsvc.devnet.process import Process
from chainsvc.devnet.rpc import HOST
from chainsvc.errors import ConfigurationRefused, NodeUnavailable

_START_SECONDS = 120.0  # a machine may be busy
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_WORDS = 500  # of the log that are shown
# the shell leaves at once, so that the validator is nobody's child: it outlives who started it and is no zombie later
_LEFT_BEHIND = '"$@" </dev/null >>"$0" 2>&1 & echo $!'
_APIS = "eth,net,web3,clique,miner,admin,debug,txpool"


def start(consortium: Consortium, validator: Validator, geth: Path) -> None:
    """Start a validator, or leave it when it runs; it may not answer yet.

    Raises:
        ConfigurationRefused: A port of it is taken, or geth failed.
    """
    if validator.process.alive:
        return
    for port in (validator.http, validator.p2p, validator.engine_api):
        if not becomes_free(port):
            raise ConfigurationRefused(
                f"another program listens on a port of {validator.name}",
                where=f"{HOST}:{port}",
                hint="Stop that program.",
            )
    prepare(consortium, validator, geth)
    validator.log.parent.mkdir(exist_ok=True)
    line = ["/bin/sh", "-c", _LEFT_BEHIND, str(validator.log), str(geth), *arguments(consortium, validator)]
    begun = subprocess.run(  # noqa: S603 - our own arguments
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, start_new_session=True
    )
    validator.keep_process(Process.of(int(begun.stdout)))


def wait_answering(validator: Validator) -> None:
    """Wait until a started validator answers.

    Raises:
        NodeUnavailable: It ended, or did not answer in time; the message has its last words.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            validator.call("eth_chainId")
        except NodeUnavailable as error:
            if not validator.process.alive or time.monotonic() > deadline:
                words = validator.log.read_text(errors="replace")[-_WORDS:].strip()
                told = f"{validator.name} of the devnet did not start"
                raise NodeUnavailable(told, got=words, where=str(validator.log)) from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def stop(validator: Validator) -> None:
    """End a validator in good order, if it runs."""
    validator.process.stop(_STOP_SECONDS)


def kill(validator: Validator) -> None:
    """End a validator at once, as a loss of power would."""
    validator.process.kill()


def arguments(consortium: Consortium, validator: Validator) -> list[str]:
    """Return geth's arguments for a validator.

    Every state is kept, in the hash scheme: with any other mode a loss of power on all validators at once sets the
    chain back to its first transactions, and no proof reaches further back than 128 blocks.
    """
    address = f"0x{validator.address.hex()}"
    line = ["--config", str(validator.folder / "config.toml"), "--datadir", str(validator.folder)]
    line += ["--networkid", str(consortium.chain_id), "--nodiscover", "--nat", "none", "--ipcdisable"]
    line += ["--maxpeers", str(_largest_crowd(len(consortium.validators)))]
    line += ["--authrpc.addr", HOST, "--authrpc.port", str(validator.engine_api)]
    line += ["--http", "--http.addr", HOST, "--http.port", str(validator.http)]
    line += ["--http.api", _APIS, "--http.vhosts", "localhost"]
    line += ["--syncmode", "full", "--state.scheme", "hash", "--gcmode", "archive", "--cache", "16", "--verbosity", "3"]
    line += ["--mine", "--miner.etherbase", address, "--miner.gasprice", "1", "--miner.gaslimit", str(GAS_LIMIT)]
    # geth turns a price of 0 into 1 gwei in silence; 1 wei is the least. Without the next a transaction counts more
    # with the validator that it was handed to than with the others
    line += ["--txpool.nolocals"]
    line += ["--unlock", address, "--password", str(validator.folder / "password"), "--allow-insecure-unlock"]
    return line


def _largest_crowd(validators: int) -> int:
    """Return as many peers as a validator surely has while the chain goes on: a majority without itself."""
    return max(1, validators // 2)
