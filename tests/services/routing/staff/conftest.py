"""routing in this process on a real PostgreSQL, as for the desk's tests."""

from tests.services.routing.desk.conftest import dsn, routing

__all__ = ["dsn", "routing"]
