"""The classifier's figures for whoever watches."""

from prometheus_client import Counter, Gauge

opinions = Counter("seda_routing_opinions", "Texts judged, by what became of them", ["outcome"])
abstained = Gauge("seda_routing_abstained_share", "Of the last week's cases without a category: left to a person")
confidence = Gauge("seda_routing_mean_confidence", "Mean probability of the best guess in the last week")
drift = Gauge("seda_routing_label_psi", "Population stability index of the guesses, last week against 90 days before")
