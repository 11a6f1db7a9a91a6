"""A run looked at: its statistics, its picture, its report."""
