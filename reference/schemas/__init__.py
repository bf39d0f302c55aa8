"""Models of answers, for the documentation alone: the functions build plain documents."""
