"""Events leave with the state they tell of: written in its transaction, published after it, kept in an archive."""

from shared.kit.outbox.append import LANES, append, lane_of, new_event

__all__ = ["LANES", "append", "lane_of", "new_event"]
