"""Recognising what a text is about: which category, whether it smells of corruption, and when to leave it to a person.

``features`` turns a text into weighted words and parts of words; ``training`` fits a model from examples; ``model``
reads one and gives an opinion. Nothing here decides where a case goes: that is ``assignment``.
"""
