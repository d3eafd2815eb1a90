"""A knowledge base made of notes: seven phases, each of which can be taken up again."""
