"""AWS itself: clients, transactions, batch reads and what their failures mean."""
