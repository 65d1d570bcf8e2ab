"""The AsyncAPI 3.0 document of all events, made from the registry: ``python -m shared.contracts.asyncapi`` writes
``docs/asyncapi.json``."""

import json
from pathlib import Path
from typing import Any

from shared.contracts.registry import EVENTS, QUEUES
from shared.contracts.schemas import schema_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "asyncapi.json"


def document() -> dict[str, Any]:
    """The document: a channel per event type, a sending operation per producer, a receiving one per queue."""
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for type, kind in EVENTS.items():
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        messages[kind.__name__] = {
            "name": type,
            "summary": summary,
            "contentType": "application/cloudevents+json",
            "payload": _inlined(schema_of(type)),
        }
        channels[type] = {
            "address": type,
            "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": "seda.events", "type": "topic", "durable": True, "vhost": "/"},
                }
            },
        }
        operations[f"{kind.SOURCE}.send.{type}"] = {
            "action": "send",
            "channel": _channel(type),
            "summary": summary,
        }
    for queue in QUEUES:
        for event in queue.events:
            operations[f"{queue.name}.receive.{event.TYPE}"] = {"action": "receive", "channel": _channel(event.TYPE)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Seda: events",
            "version": "1.0.0",
            "description": "What Seda's services tell each other through RabbitMQ. Fields ending in `_sealed` are "
            "encrypted under keys that only the services concerned hold.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _channel(type: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{type}"}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without ``$defs``: a reference inside an AsyncAPI document would point at the document's root."""
    defs = schema.get("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                return inline({**defs[reference.rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}})
            return {key: inline(value) for key, value in node.items() if key not in ("$defs", "$schema")}
        return [inline(item) for item in node] if isinstance(node, list) else node

    result: dict[str, Any] = inline(schema)
    return result


def main() -> None:
    """Writes the document."""
    DOCUMENT.write_text(json.dumps(document(), ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
