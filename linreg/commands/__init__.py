"""What `linreg` can be told to do: one module for each word, with `run(argv)`, which returns the exit status."""
