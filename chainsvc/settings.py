"""Every setting and limit of the service, in one frozen object.

Values come, strongest first, from ``CHAINSVC_*`` environment variables, from
``<home>/settings.toml`` (or the file named by ``CHAINSVC_SETTINGS``), and from the defaults here.
Secrets are never settings: a setting names the file that holds one.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, IPvAnyNetwork, PositiveFloat, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from chainsvc.errors import ConfigurationRefused

_DEFAULT_HOME = Path(".chainsvc")


class Settings(BaseSettings):
    """How this service runs; units are in the names."""

    model_config = SettingsConfigDict(env_prefix="CHAINSVC_", frozen=True, extra="forbid")

    home: Path = Field(_DEFAULT_HOME, description="Folder for keys, devnet, embedded database and descriptor")
    database_url: str | None = Field(None, description="PostgreSQL 15 to 18; unset runs the embedded one")
    node_url: str | None = Field(None, description="JSON-RPC of a chain node; unset uses the local devnet")
    node_urls: tuple[str, ...] = Field(
        (), description="Several nodes in place of that one, of different institutions; what they say is compared"
    )
    node_quorum: int | None = Field(
        None, ge=1, description="How many of node_urls have to agree; default more than half of them"
    )
    network_file: Path | None = Field(None, description="Descriptor; default <home>/network.json")
    kek_file: Path | None = Field(
        None, description="Key-encryption key; default <home>/keys/kek.key, CHAINSVC_KEK is stronger"
    )
    kek_next_file: Path | None = Field(
        None, description="The key that takes its place, while it does; default <home>/keys/kek.next.key"
    )
    receipt_key_file: Path | None = Field(None, description="Signs receipts; default <home>/keys/receipt.key")
    checkpoint_key_file: Path | None = Field(None, description="Signs checkpoints; default <home>/keys/checkpoint.key")
    erasure_log_file: Path | None = Field(
        None, description="Erasures for a restore to repeat; default <home>/erasures.ndjson"
    )
    account_key_file: Path | None = Field(None, description="Anchoring account; default <home>/keys/service.account")
    account_key_files: tuple[Path, ...] = Field(
        (), description="Several anchoring accounts in place of that one; ledgers are shared out among them"
    )
    receipt_key: str | None = Field(
        None, description="The same by name: keystore:… or pkcs11:…, in place of receipt_key_file"
    )
    checkpoint_key: str | None = Field(None, description="The same for checkpoints, in place of checkpoint_key_file")
    account_keys: tuple[str, ...] = Field(
        (), description="Anchoring accounts by name: keystore:…, web3signer:… or pkcs11:…, in place of files"
    )
    admin_key: str | None = Field(
        None, description="Account that registers organizations, by name; default <home>/keys/admin.account"
    )

    host: str = Field("127.0.0.1", description="Address the API listens on")
    port: int = Field(8600, ge=0, le=65535, description="Port of the API; 0 takes a free one")
    api_processes: int = Field(1, ge=1, le=64, description="Processes of the API; from 2 on the worker is its own")
    url: str = Field("http://127.0.0.1:8600", description="Service that the client commands talk to")
    api_key_file: Path | None = Field(None, description="File with the client commands' API key")

    longest_wait_s: dict[str, float] = Field(
        default_factory=dict, description="By kind: longest an entry waits for its batch to fill"
    )
    default_longest_wait_s: float = Field(86_400.0, gt=0, description="The same for kinds not named, in seconds")
    smallest_batch: int = Field(32, ge=1, le=4096, description="Entries a batch with money needs, until the wait ends")
    largest_batch: int = Field(4096, ge=1, le=4096, description="Most entries of a batch")
    anchor_margin_s: float = Field(3_600.0, gt=0, description="Time between the longest wait and a receipt's deadline")
    largest_marks: int = Field(64, ge=1, le=256, description="Most changes of standing in one transaction")
    poll_s: float = Field(0.5, gt=0, description="Pause of the worker when there is nothing to do")
    lease_s: float = Field(
        15.0, ge=0.5, le=600, description="Silence after which another worker takes over, by the database's clock"
    )
    largest_body_bytes: int = Field(16 * 1024 * 1024, gt=0, description="Largest request body")
    draft_processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        description="Processes that check, commit and encrypt bulk records; 0 does it in the API's own",
    )
    stop_grace_s: float = Field(10.0, gt=0, description="Longest time that requests under way may take at a stop")
    webhook_retry_s: tuple[PositiveFloat, ...] = Field(
        (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Waits between a webhook's attempts, in seconds; after the last one it is dead",
    )
    webhook_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest time of one webhook attempt, in seconds")
    webhook_concurrency: int = Field(32, ge=1, le=256, description="Webhook attempts under way at once, in a process")
    webhook_per_endpoint: int = Field(4, ge=1, le=64, description="The same for one endpoint, in a process")
    webhook_longest_pause_s: float = Field(
        600.0, gt=0, description="Longest time that a failing webhook endpoint is left alone, in seconds"
    )
    webhook_disable_after_s: float = Field(
        432_000.0, gt=0, description="A webhook endpoint that fails for so long is disabled, in seconds"
    )
    webhook_overlap_s: int = Field(
        86_400, ge=0, description="How long a webhook's key before signs beside the new one, in seconds"
    )
    webhook_keep_s: int = Field(2_592_000, gt=0, description="How long past webhook events are kept, in seconds")
    webhook_endpoints: int = Field(100, ge=1, description="Most webhook endpoints of an organization")
    webhook_allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Private networks that webhooks may go to all the same, e.g. 10.1.0.0/16"
    )
    webhook_allow_http: bool = Field(default=False, description="Webhooks may go to http:// addresses too")
    webhook_ca_file: Path | None = Field(None, description="Certificates that webhook receivers are checked by, PEM")
    money_kinds: frozenset[str] = Field(
        frozenset({"charity", "subsidy", "assistance", "elderly", "child"}),
        description="Kinds whose batches wait to fill, since a one-entry total is one person's amount",
    )

    @model_validator(mode="after")
    def _absolute_home(self) -> Self:
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        return self

    @model_validator(mode="after")
    def _one_name_a_key(self) -> Self:
        twice = [
            name for name in ("receipt_key", "checkpoint_key") if getattr(self, name) and getattr(self, f"{name}_file")
        ]
        if self.account_keys and (self.account_key_file or self.account_key_files):
            twice.append("account_keys")
        if twice:
            raise ValueError(f"{twice[0]} and its file are both set: a key has one name")
        return self

    @model_validator(mode="after")
    def _possible_quorum(self) -> Self:
        if self.node_quorum is not None and self.node_quorum > len(self.nodes):
            raise ValueError(f"node_quorum is {self.node_quorum}, but there are {len(self.nodes)} nodes")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())

    def wait_of(self, kind: str) -> float:
        """Return the longest wait of a kind's entries for their batch, in seconds."""
        return self.longest_wait_s.get(kind, self.default_longest_wait_s)

    def key(self, name: str) -> Path:
        """Return the file of a key: ``kek``, ``receipt``, ``checkpoint`` or ``account``."""
        chosen: Path | None = getattr(self, f"{name}_file" if name == "kek" else f"{name}_key_file")
        default = "service.account" if name == "account" else f"{name}.key"
        return chosen or self.home / "keys" / default

    @property
    def kek_next(self) -> Path:
        """The file of the key-encryption key that takes the present one's place."""
        return self.kek_next_file or self.home / "keys" / "kek.next.key"

    @property
    def former_checkpoint_key(self) -> Path:
        """The file of the checkpoint key before, or of its name; it signs beside the present one while it is there."""
        return self.home / "keys" / "checkpoint.former.key"

    def key_name(self, name: str) -> str:
        """Return how ``receipt``, ``checkpoint`` or ``admin`` is named, see :mod:`chainsvc.crypto.key_names`."""
        if name == "admin":
            return self.admin_key or str(self.home / "keys" / "admin.account")
        named: str | None = getattr(self, f"{name}_key")
        return named or str(self.key(name))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The addresses of the set nodes; none where the local devnet is used."""
        return self.node_urls or ((self.node_url,) if self.node_url is not None else ())

    @property
    def erasure_log(self) -> Path:
        """The file that remembers erasures beside the database."""
        return self.erasure_log_file or self.home / "erasures.ndjson"

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts that this home anchors with."""
        return self.account_keys or tuple(map(str, self.account_key_files or (self.key("account"),)))

    @property
    def descriptor(self) -> Path:
        """The network descriptor's file."""
        return self.network_file or self.home / "network.json"


def settings_file() -> Path:
    """Return the TOML file that holds settings; it need not exist."""
    named = os.environ.get("CHAINSVC_SETTINGS")
    return Path(named) if named else Path(os.environ.get("CHAINSVC_HOME", str(_DEFAULT_HOME))) / "settings.toml"


def load_settings(**values: Any) -> Settings:
    """Return the settings, with ``values`` over all other sources.

    Raises:
        ConfigurationRefused: A setting is unknown or out of range.
    """
    try:
        return Settings(**values)
    except tomllib.TOMLDecodeError as error:
        hint = "Mend that line, or remove the file."
        raise ConfigurationRefused(
            f"the settings file is no TOML: {error}", where=str(settings_file()), hint=hint
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        hint = f"Set CHAINSVC_{name.upper()} or edit {settings_file()}."
        raise ConfigurationRefused(f"wrong setting: {first['msg']}", where=name, hint=hint) from error
