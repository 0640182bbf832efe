"""The benchmark of chainsvc."""
