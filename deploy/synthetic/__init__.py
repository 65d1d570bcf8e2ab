"""A synthetic country: two years of realistic cases, so that lists, reviews and charts have something to show."""
