"""The links of a stack: one proxy for each part whose way to Redis can be hurt.

A replica's way to its broker can be hurt alone: a second proxy, `<name>.broker`, stands
before the first, which the broker's URL leads to and the others do not.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.engines import LOOPBACK
from harness.engines.redis_server import free_port
from harness.errors import StackError
from harness.proxy import Proxy
from harness.traffic import Address

#: What a replica's link to its broker alone has behind its name.
BROKER = ".broker"


class Links:
    """Proxies by role; a part that is not among `roles` talks to Redis directly."""

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = tuple(roles)
        self._proxies: dict[str, Proxy] = {}
        self._redis: Address | None = None
        self._host = LOOPBACK

    def open(self, redis: Address, host: str = LOOPBACK) -> None:
        """Start a proxy for each role, on a port of this address of ours."""
        self._redis, self._host = redis, host
        for role in self._roles:
            self._proxies[role] = Proxy(free_port(host), redis, host)

    @contextmanager
    def of_replica(self, name: str) -> Iterator[dict[str, int]]:
        """Open the links of a replica while the body runs; yield their ports by name.

        What hurts the link `name` hurts its broker's, too, which leads through it.
        """
        assert self._redis is not None, "Redis is started first"
        whole = Proxy(free_port(self._host), self._redis, self._host)
        to = (self._host, whole.port)
        broker = Proxy(free_port(self._host), to, self._host)
        mine = {name: whole, name + BROKER: broker}
        self._proxies |= mine
        try:
            yield {link: proxy.port for link, proxy in mine.items()}
        finally:
            for link, proxy in mine.items():
                del self._proxies[link]
                proxy.close()

    def lead(self, redis: Address | None) -> None:
        """Tell them where Redis is now; None: it is gone, and so are connections."""
        self._redis = redis or self._redis
        for name, proxy in list(self._proxies.items()):
            if not name.endswith(BROKER):
                proxy.lead(redis)

    def close(self) -> None:
        """End them, and all connections through them."""
        for proxy in self._proxies.values():
            proxy.close()

    @property
    def ports(self) -> dict[str, int]:
        """Return {role: the port that is Redis to this part}."""
        return {role: proxy.port for role, proxy in self._proxies.items()}

    def proxy(self, role: str) -> Proxy:
        """Return the proxy of this part; raises StackError where it has none."""
        if role not in self._proxies:
            raise StackError(
                f'{role} has no link of its own. Add links = ["{role}"] to target.toml '
                f'or start the stack with links=("{role}",).'
            )
        return self._proxies[role]
