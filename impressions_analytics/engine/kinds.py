"""What an analysis returns, for type checkers and editors: a pandas frame, or a lazy table like the one given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

if TYPE_CHECKING:
    import pandas as pd

Options = ParamSpec("Options")


class IbisTable(Protocol):
    """An Ibis table, as far as it is told from a frame."""

    def to_pyarrow_batches(self, *args: Any, **options: Any) -> Any:
        """Give the rows as Arrow batches."""


class SparkFrame(Protocol):
    """A Spark frame, as far as it is told from a pandas frame."""

    def toPandas(self) -> Any:  # noqa: N802 - Spark's name
        """Give the rows as a pandas frame."""


Lazy = TypeVar("Lazy", bound=IbisTable | SparkFrame)


class Analysis(Protocol[Options]):
    """A function whose first argument is the data, and decides the kind of the result."""

    __name__: str

    @overload
    def __call__(self, data: Lazy, /, *args: Options.args, **options: Options.kwargs) -> Lazy: ...
    @overload
    def __call__(self, data: Any, /, *args: Options.args, **options: Options.kwargs) -> pd.DataFrame: ...


def kind_of_input(analysis: Callable[Concatenate[Any, Options], Any]) -> Analysis[Options]:
    """Tell type checkers that an analysis returns a lazy table for a lazy table, and else a pandas frame.

    The function itself stays as it is. Its data is given by position.
    """
    return cast("Analysis[Options]", analysis)
