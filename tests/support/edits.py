"""Edits of the vectors' files: most cases are a valid file with one range replaced."""

from typing import Any


def edited(data: bytes, edit: dict[str, Any] | None) -> bytes:
    """Return the data with the range replaced; None changes nothing."""
    if edit is None:
        return data
    put: bytes = edit["text"].encode() if "text" in edit else bytes.fromhex(edit["hex"])
    times: int = edit["times"]
    return data[: edit["start"]] + put * times + data[edit["end"] :]
