"""Where the time of a filing goes."""

from prometheus_client import Histogram

seconds = Histogram(
    "seda_report_filing_seconds",
    "Seconds by part: derive (Argon2id of the receipt code, with waiting), seal, write (the transaction), prove",
    ["part"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
