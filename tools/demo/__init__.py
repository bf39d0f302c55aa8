"""A shop that has been experimenting for thirty days, and real trials replayed through the API."""
