"""What the log tells of itself."""

from prometheus_client import Counter, Gauge

size = Gauge("seda_log_size", "Leaves in the log, as of the last checkpoint that this process signed")
halted = Gauge("seda_log_halted", "1 while the log is not continued because what is there is not what was signed")
disputing = Gauge("seda_log_disputing_witnesses", "Witnesses that have seen another log than ours")
cosignatures = Counter("seda_log_cosignatures", "What witnesses answered", ["witness", "outcome"])
"""``outcome``: ``given``, ``missing`` (no answer, or none of use), ``disputed`` (it has seen another log)."""
