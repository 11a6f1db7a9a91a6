"""A run kept in a folder: saved while it trains, gone on with, shown, and predicted by."""
