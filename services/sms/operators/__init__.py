"""Operators: who carries a text to a phone. ``port`` says what the service asks of any of them."""
