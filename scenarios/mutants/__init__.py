"""Named, smallest realistic ways to break the app; each says who must catch it."""
