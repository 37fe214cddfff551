"""The HTTP side that both services share: Falcon's ASGI apps."""
