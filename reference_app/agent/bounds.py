"""What can be asked for: bounds that the search and the routes share; no numpy."""

#: Letters of a question that are read, and hits that can be asked for.
MAX_QUERY = 2000
MAX_RESULTS = 100

#: Hits where nobody says how many.
RESULTS = 5

#: Likeness below which an item says nothing about the question.
THRESHOLD = 0.15
