"""Recomputing the log from the database, and naming every row that is not what was signed.

Each part looks at its tables in the same snapshot and gives its findings; ``services.integrity.audit`` runs them all.
"""
