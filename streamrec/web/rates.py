"""Limits of how many requests may come from one client."""

import hashlib
import ipaddress
import secrets
import time
from array import array
from collections.abc import Callable

_N_SLOTS = 65_536
"""Half a megabyte, however many clients there are; two share one, and its limit, once in 65,536 cases."""


class RateLimit:
    """Limit of requests a second of each client, by the generic cell rate algorithm (ITU-T I.371, 1996).

    Kept of a client is the moment at which its allowance is whole again, in a table of fixed size by a hash
    with a key that nobody knows.

    Parameters
    ----------
    rate
        Requests a second in the long run.
    burst_s
        Seconds whose requests may come at once.
    """

    def __init__(self, rate: float, burst_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 1.0 / rate
        self._most_s = max(burst_s, self._interval_s)
        self._clock = clock
        self._key = secrets.token_bytes(16)
        self._whole_at = array("d", bytes(8 * _N_SLOTS))

    def wait_s(self, client: str) -> float:
        """Count a request of a client; return in how many seconds it may come again, 0 where it may come now.

        One that may not come is not counted: who tries on too early waits no longer.
        """
        digest = hashlib.blake2b(client.encode(errors="replace"), digest_size=4, key=self._key).digest()
        slot = int.from_bytes(digest) % _N_SLOTS
        now = self._clock()
        whole_at = max(self._whole_at[slot], now) + self._interval_s
        # Rounding must not refuse the last request of a burst.
        if (wait_s := whole_at - now - self._most_s) > 1e-9:
            return wait_s
        self._whole_at[slot] = whole_at
        return 0.0


def network_of(address: str) -> str:
    """Return what stands for one client: of IPv4 an address, of IPv6 the network that a customer gets.

    >>> network_of("192.0.2.1"), network_of("2001:db8::1:2"), network_of("::ffff:192.0.2.1")
    ('192.0.2.1', '2001:db8::', '192.0.2.1')
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> 64 << 64))
