"""RabbitMQ: the exchange of events, a quorum queue per consumer, retry tiers and the parking lot."""

from shared.kit.bus.consumer import Consumer, Permanent, Transient

__all__ = ["Consumer", "Permanent", "Transient"]
