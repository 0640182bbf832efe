"""Checking a backup without restoring it: is every file there, of the stated size and SHA-256?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chainsvc.backup.contents import Part
from chainsvc.backup.copying import digest_of
from chainsvc.backup.manifest import KEYS_NAME, NAME, Manifest
from chainsvc.errors import BackupDamaged

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of a backup lie.

    Attributes:
        folder: With the manifest and the part ``journal``.
        seeds: With the part ``seeds``; deleted by now, maybe.
    """

    folder: Path
    seeds: Path

    @classmethod
    def of(cls, folder: Path, seeds: Path | None) -> "Place":
        """Return the place; ``seeds`` lies in ``folder`` unless named."""
        return cls(folder, seeds or folder / "seeds")

    def part(self, part: Part) -> Path:
        """Return a part's folder."""
        return self.seeds if part == "seeds" else self.folder / "journal"

    @property
    def has_seeds(self) -> bool:
        """Whether the short-lived part is still there."""
        return self.seeds.is_dir() and any(self.seeds.iterdir())


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup whose files are all right.

    Attributes:
        manifest: What it holds.
        manifest_sha256: Of the manifest, 32 bytes: names the backup.
        has_seeds: Whether the short-lived part is there; without it no record can be read.
    """

    manifest: Manifest
    manifest_sha256: bytes
    has_seeds: bool


def check_backup(place: Place, progress: Progress) -> Checked:
    """Read every file of a backup and compare it with the manifest.

    Raises:
        MalformedInput: No backup, or a changed manifest.
        BackupDamaged: A file is missing, cut, or was changed.
    """
    manifest = Manifest.read(place.folder)
    has_seeds = place.has_seeds
    wanted = list(_wanted(place, manifest, has_seeds=has_seeds))
    done, expected = 0, sum(size for _, size, _ in wanted)

    def moved(size: int) -> None:
        nonlocal done
        done += size
        progress(done, expected)

    for path, size, sha256 in wanted:
        _check(path, size, sha256, moved)
    return Checked(manifest, digest_of(place.folder / NAME, lambda _: None), has_seeds)


def _wanted(place: Place, manifest: Manifest, *, has_seeds: bool) -> Iterator[tuple[Path, int, bytes]]:
    for file in manifest.files:
        if file.part == "journal" or has_seeds:
            yield place.part(file.part) / file.name, file.size, file.sha256
    if manifest.keys is not None:
        yield place.folder / KEYS_NAME, manifest.keys.size, manifest.keys.sha256


def _check(path: Path, size: int, sha256: bytes, moved: Callable[[int], None]) -> None:
    if not path.is_file():
        raise BackupDamaged("a file of the backup is missing", where=str(path))
    if (got := path.stat().st_size) != size:
        raise BackupDamaged("a file of the backup was cut or changed", f"{size} bytes", f"{got} bytes", str(path))
    if (found := digest_of(path, moved)) != sha256:
        raise BackupDamaged("a file of the backup was changed", sha256.hex(), found.hex(), str(path))
