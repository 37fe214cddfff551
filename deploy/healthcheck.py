"""Probe of a container's service: ``python healthcheck.py URL`` exits with 0 when ready, or says why not.

Slim images have no curl, and a container's health is asked for every few seconds: this imports little.
"""

import http.client
import sys
from urllib.parse import urlsplit

_TIMEOUT_S = 4.0
"""Below the 5 s after which Docker itself gives up, so that the reason is still told."""


def main(url: str) -> int:
    """Return 0 when a GET of `url` answers 200; else say why on standard error and return 1."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        said = response.read(1000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    finally:
        connection.close()
    if response.status != http.client.OK:
        sys.stderr.write(f"{url} answers {response.status}: {said}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
