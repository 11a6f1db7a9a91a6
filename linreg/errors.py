"""What can go wrong on the way from a table to its coefficients."""


class BadInput(ValueError):
    """A file, a table or a value that no regression can be run on; the message is one line."""


class Diverged(ArithmeticError):
    """Training whose loss grew instead of falling; the message is one line."""


class NotFitted(ValueError, AttributeError):
    """A prediction asked of an estimator before it was fitted."""
