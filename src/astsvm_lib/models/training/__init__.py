"""Training of the networks: one interface, three implementations, and a function that selects one of them."""
