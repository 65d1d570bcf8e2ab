"""The transparency log of corruption reports: leaves, tiles, proofs."""
