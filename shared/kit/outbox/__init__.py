"""Events leave with the state they tell of: written in its transaction, published after it, kept in an archive."""

from shared.kit.outbox.append import LANES, append, append_many, lane_of, new_event

__all__ = ["LANES", "append", "append_many", "lane_of", "new_event"]
