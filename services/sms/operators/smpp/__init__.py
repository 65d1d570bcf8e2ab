"""SMPP 3.4 (SMPP Developers Forum, issue 1.2): the codec, our windowed session, and the operator made of them."""
