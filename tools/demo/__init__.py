"""Real trials and a synthetic shop, replayed through the API."""
