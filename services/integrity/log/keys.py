"""The log's own key, and the policy by which its checkpoints are believed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.integrity.log.policy import Policy
from shared.kit.tlog.notes import ED25519, Malformed, NoteSigner, SigningKey

POLICY_FILE = "log-policy.json"
SIGNING_FILE = "log.skey"


def load_policy(folder: Path) -> Policy:
    """The policy in a folder of keys; OSError if there is none, Malformed if it is none."""
    try:
        document = json.loads((folder / POLICY_FILE).read_text("utf-8"))
    except ValueError:
        raise Malformed("the policy is not JSON") from None
    return Policy.parse(document)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """What the sequencer signs with; the public half stands in ``policy``."""

    signer: NoteSigner
    policy: Policy

    @classmethod
    def load(cls, folder: Path) -> Self:
        """From a folder of keys; Malformed if the policy does not know the key."""
        signer = NoteSigner(SigningKey.parse((folder / SIGNING_FILE).read_text("ascii"), ED25519))
        policy = load_policy(folder)
        if signer.verifier not in policy.logs:
            raise Malformed("the policy does not know the log's key")
        return cls(signer, policy)
