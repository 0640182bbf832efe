"""The demo of chainsvc."""
