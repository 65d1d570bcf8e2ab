"""A simulator of a mobile operator's short message centre, with phones to look at. It carries no text to anybody."""
