"""The chassis' metrics. Labels are names out of the code (routes' templates, queues), never anything of a person's."""

from prometheus_client import Counter, Histogram

http_requests = Counter(
    "seda_http_requests", "Requests answered; status 499 if the client left", ["service", "method", "route", "status"]
)
http_seconds = Histogram(
    "seda_http_request_seconds",
    "From the request's head to the end of the answer",
    ["service", "method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
events_published = Counter("seda_events_published", "Events that the broker confirmed")
events_handled = Counter("seda_events_handled", "Deliveries by what became of them", ["consumer", "outcome"])
events_parked = Counter("seda_events_parked", "Events put into the parking lot", ["consumer"])
telemetry_dropped = Counter(
    "seda_telemetry_dropped", "Fields kept out of logs and spans: unknown to the allow-list, or unsafe", ["reason"]
)
