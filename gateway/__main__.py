"""``python -m gateway --role api|worker|all``."""

from gateway.app import SERVICE
from shared.kit.runtime import run

run(SERVICE)
