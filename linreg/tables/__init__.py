"""Tables of any size from files, pipes and iterables, made ready to train on.

`load` makes a table ready; `Rows` is the table in any iterable of rows; `Source` and `Block` are the protocol for
tables of your own. Reading CSV and Parquet needs pyarrow, `pip install ".[data]"`.
"""

from linreg.outcome import Counts
from linreg.tables.encoding import Encoding
from linreg.tables.iterables import Rows
from linreg.tables.loading import Loaded, load, rows_to_predict
from linreg.tables.opening import opened_source
from linreg.tables.source import Block, Source, Texts

__all__ = [
    "Block",
    "Counts",
    "Encoding",
    "Loaded",
    "Rows",
    "Source",
    "Texts",
    "load",
    "opened_source",
    "rows_to_predict",
]
