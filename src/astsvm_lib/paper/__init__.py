"""What the paper says: its numbers, its tables as data, the assumptions where it is silent, attainable scores."""
