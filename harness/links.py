"""The links of a stack: one proxy for each part whose way to Redis can be hurt."""

from collections.abc import Sequence

from harness.engines import LOOPBACK
from harness.engines.redis_server import free_port
from harness.errors import StackError
from harness.proxy import Proxy
from harness.traffic import Address


class Links:
    """Proxies by role; a part that is not among `roles` talks to Redis directly."""

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = tuple(roles)
        self._proxies: dict[str, Proxy] = {}

    def open(self, redis: Address, host: str = LOOPBACK) -> None:
        """Start a proxy for each role, on a port of this address of ours."""
        for role in self._roles:
            self._proxies[role] = Proxy(free_port(host), redis, host)

    def lead(self, redis: Address | None) -> None:
        """Tell them where Redis is now; None: it is gone, and so are connections."""
        for proxy in self._proxies.values():
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
