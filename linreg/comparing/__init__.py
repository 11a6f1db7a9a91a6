"""minigrad and torch in step: what differs between them, and the time and memory of each."""
