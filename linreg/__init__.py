"""Linear regression from scratch, as the document writes it, on minigrad or on torch.

`linreg.model` and `linreg.data` hold its functions, `linreg.train` its loop; `python -m linreg` is
the command. Importing the package itself loads neither NumPy nor a backend.
"""
