"""The Accounts table: people, keys, sessions, and what denies or delays them."""
