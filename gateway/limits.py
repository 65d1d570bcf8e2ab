"""Limits on requests: how many in how many seconds, per address, caller or number."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from shared.kit.auth import Principal
from shared.kit.web.buckets import Buckets


class Limiter:
    """The limit on all requests: per caller, or per address for who has not logged in."""

    def __init__(self, per_minute: int) -> None:
        self._buckets = Buckets("requests", per_minute, 60)

    def take(self, address: str, caller: Principal) -> None:
        """Counts one request. Raises a 429 problem when there are too many."""
        self._buckets.take(f"@{address}" if caller.kind == "public" else f"{caller.kind}:{caller.subject}")

    def take_stranger(self, address: str) -> None:
        """Counts a request with a token that is not good: checking signatures costs more than anything else here."""
        self._buckets.take(f"@{address}")


def address_of(scope: Scope) -> str:
    """The address that limits count by: of IPv6 the /64 that one subscriber has (RFC 6177), not each of its 2⁶⁴."""
    client = scope.get("client")
    address = client[0] if client else ""
    if ":" not in address:
        return address
    packed = ip_address(address.partition("%")[0])
    mapped = packed.ipv4_mapped if isinstance(packed, IPv6Address) else None
    return str(mapped) if mapped else str(ip_network((packed, 64), strict=False))
