"""Adapters from the exports of business systems to records."""
