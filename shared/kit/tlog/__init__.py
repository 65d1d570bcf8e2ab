"""Transparency logs: Merkle trees of RFC 6962, and the signed formats of C2SP around them (https://c2sp.org).

Here and not in a service, because a log is worth its witnesses only: the one that keeps it and those that countersign
it are different services, and each verifies for itself.
"""
