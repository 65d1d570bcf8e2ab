"""``python -m services.sms --role api|worker|all``."""

from services.sms.app import SERVICE
from shared.kit.runtime import run

run(SERVICE)
