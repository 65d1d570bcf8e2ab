"""What is sealed, to whom, and how it opens again: age files, shares, receipt codes."""
