"""The HTTP API. ``ports`` says what it asks of the service; ``app`` puts the routes together."""
