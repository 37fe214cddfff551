"""The HTTP side that both services share: over Falcon, as WSGI and as ASGI."""
