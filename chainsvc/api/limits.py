"""Limits of the HTTP API."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for.

    Attributes:
        largest_body_bytes: Largest body of a chunk of records.
        largest_small_body_bytes: Largest body of any other call but ``verify``, whose limit is that of evidence.
        largest_chunk: Most records or commitments of one call.
        bulk_chunk: Most lines of a bulk stream that are stored together.
        bulk_streams: Bulk streams at once; further ones wait.
        largest_page: Most items of one page.
        usual_page: Items of a page when none are asked for.
        retry_after_s: What ``Retry-After`` says while a part is down or a record is not final, in seconds.
    """

    largest_body_bytes: int = 16 * 1024 * 1024
    largest_small_body_bytes: int = 65_536
    largest_chunk: int = 1_000
    bulk_chunk: int = 1_000
    bulk_streams: int = 16
    largest_page: int = 1_000
    usual_page: int = 100
    retry_after_s: int = 2
