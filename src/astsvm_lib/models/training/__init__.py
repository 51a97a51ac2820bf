"""Training of the networks: one interface, three implementations, and one function that selects among them."""
