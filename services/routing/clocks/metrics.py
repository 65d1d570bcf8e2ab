"""The triage's figures for whoever watches."""

from prometheus_client import Gauge

waiting = Gauge("seda_routing_triage_waiting", "Cases that no department has yet")
overdue = Gauge("seda_routing_triage_overdue", "Of those, cases that have waited longer than they may")
