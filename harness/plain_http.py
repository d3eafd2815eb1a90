"""HTTP to the parts of a stack, which are here and speak no TLS.

A client of httpx reads all certificates of the machine first, 30 ms of computing, and
one is made each time somebody looks whether an API is ready. Proxies are for others,
too.
"""

import ssl
from typing import Any

import httpx

#: It knows no certificate, so no server is believed: https fails.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(base_url: str = "", *, timeout_s: float) -> httpx.Client:
    """Return a client for plain HTTP; a context manager, as httpx's is."""
    return httpx.Client(
        base_url=base_url, timeout=timeout_s, verify=_NO_TLS, trust_env=False
    )


def request(
    method: str, url: str, *, timeout_s: float, **content: Any
) -> httpx.Response:
    """Make one request on a connection of its own.

    Raises:
        httpx.TransportError: nobody answered, or not in time.
    """
    with client(timeout_s=timeout_s) as once:
        return once.request(method, url, **content)
