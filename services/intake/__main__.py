"""``python -m services.intake --role api|worker|all``."""

from services.intake.app import SERVICE
from shared.kit.runtime import run

run(SERVICE)
