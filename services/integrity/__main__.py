"""``python -m services.integrity --role api|worker|all``."""

from services.integrity.app import SERVICE
from shared.kit.runtime import run

run(SERVICE)
