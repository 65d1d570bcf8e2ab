"""``python -m services.letters --role api|worker|all``."""

from services.letters.app import SERVICE
from shared.kit.runtime import run

if __name__ == "__main__":  # the presses' processes import this module anew
    run(SERVICE)
