"""What `linreg` can be told to do: one module for each word, with `run(argv)`, which returns the exit status."""

DONE, DIVERGED, BAD_INPUT, LOST, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

# In the order in which the help lists them; without a word it is the first.
COMMANDS = {
    "fit": "train, on synthetic data or a table",
    "predict": "the target of each row of a table, by a saved run",
    "show": "what a saved run is, how far it is, and what it has found",
    "compare": "train on minigrad and torch side by side, and show how far they are apart",
}
