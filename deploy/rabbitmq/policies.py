"""Applies the broker's policies: ``python -m deploy.rabbitmq.policies http://user:password@host:15672 [vhost]``.

RabbitMQ accepts an unknown argument or a misspelt policy without a word, so what was applied is read back.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

POLICIES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("policies.json").read_text("utf-8"))


def apply(management_url: str, vhost: str = "/") -> None:
    """Sets every policy on ``vhost`` through the management API; raises ``httpx.HTTPError`` if one is refused and
    ``RuntimeError`` if the broker holds something else afterwards."""
    with httpx.Client(base_url=management_url, timeout=10, trust_env=False) as client:
        place = f"/api/policies/{quote(vhost, safe='')}"
        for name, policy in POLICIES.items():
            client.put(f"{place}/{name}", json=policy).raise_for_status()
        held = {policy["name"]: policy for policy in client.get(place).raise_for_status().json()}
        for name, policy in POLICIES.items():
            if name not in held or any(held[name][key] != value for key, value in policy.items()):
                raise RuntimeError(f"the broker does not hold policy {name} as written")


if __name__ == "__main__":
    apply(*sys.argv[1:3])
