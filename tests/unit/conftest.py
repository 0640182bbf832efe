"""Hypothesis without a deadline: shared machines are slow now and then, and that is no failure."""

from hypothesis import settings

settings.register_profile("chainsvc", deadline=None)
settings.load_profile("chainsvc")
