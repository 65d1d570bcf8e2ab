"""What happened to ZRM's cases and their letters, day by day, in the log: of each event its id and hash, of each
day one root."""
