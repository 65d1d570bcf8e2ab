"""``python -m services.routing --role api|worker|all``."""

from services.routing.app import SERVICE
from shared.kit.runtime import run

run(SERVICE)
