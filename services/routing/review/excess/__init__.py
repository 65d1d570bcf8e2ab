"""The excess detector: which counts are higher than their own past explains. Pure: counts in, verdicts out.

``fit`` is the quasi-Poisson regression, ``bound`` the upper bound that it leads to, ``methods`` the three ways of
choosing what a count is compared with, ``discovery`` the control for looking at many cells at once.
``python -m services.routing.review.excess counts.csv`` is the same as a command.
"""
