"""Seda on one machine, for development: a private PostgreSQL and RabbitMQ under ``.local/``, and all processes."""
