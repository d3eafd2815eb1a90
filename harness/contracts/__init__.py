"""The laws: one room of the catalogue per file, each a pure function of a history."""
