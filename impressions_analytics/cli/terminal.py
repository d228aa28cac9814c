"""Output and exit codes of the commands, also when nobody reads the output any more."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from typer.core import TyperGroup

from impressions_analytics.errors import ImpressionsError, InvalidArgumentError, printable


class Commands(TyperGroup):
    """The commands. Errors of the operating system go to `run`, as Typer would end a broken pipe with code 1."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read the arguments; help and version are printed here."""
        with _told():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        with _told():
            return super().invoke(ctx)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise _SystemRefusedError(problem) from None
    except Exception as problem:
        if hasattr(problem, "format_message"):  # Typer's own quarrel with the arguments
            _tell_script("wrong_usage", problem.format_message())
        raise


class _SystemRefusedError(Exception):
    def __init__(self, problem: OSError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def say(text: str) -> None:
    """Tell a person something that is no data; nobody is there where standard error is closed."""
    if sys.stderr is not None:
        sys.stderr.write(f"{printable(text, keep=LINES)}\n")


LINES = "\n\t"
"""What our own output is made of; any other control character comes from elsewhere, and is shown."""


def tell(text: object) -> None:
    """Print what a command found, with whatever a terminal would obey written out."""
    print(printable(text, keep=LINES))


def run(command: Callable[..., Any], **given: Any) -> NoReturn:
    """Run a command and end the process: expected errors become one line and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path may hold letters that the terminal has not; and what Python is told not to buffer would meet a reader
        # that has left in the middle of a command, before its verdict.
        sys.stdout.reconfigure(errors="backslashreplace", write_through=False)
    code = _code_of(command, given)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as problem:
        code = code or _code_for(problem)
        _drop_output()
    sys.exit(code)


def _code_of(command: Callable[..., Any], given: dict[str, Any]) -> int:
    try:
        command(**given)
    except ImpressionsError as problem:
        return _fail(problem, 2 if isinstance(problem, InvalidArgumentError) else 1)
    except _SystemRefusedError as refused:
        return _code_for(refused.problem)
    except KeyboardInterrupt:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _code_for(problem: OSError) -> int:
    if isinstance(problem, BrokenPipeError):  # the reader of our output has seen enough
        return 0
    of = f" ({problem.filename})" if problem.filename else ""
    return _fail(f"the operating system refused: {problem.strerror or problem}{of}", 1)


def _fail(problem: object, code: int) -> int:
    _tell_script(_name_of(problem) if isinstance(problem, ImpressionsError) else "system_refused", str(problem))
    say(f"impressions: {problem}")
    return code


def _tell_script(code: str, message: str) -> None:
    """Print a failure as one JSON object where the command was asked for JSON; a person reads it on standard error."""
    if "--json" in sys.argv[1:] and sys.stdout is not None:
        sys.stdout.write(json.dumps({"error": {"code": code, "message": message}}) + "\n")


def _name_of(problem: ImpressionsError) -> str:
    """Return the name of a failure as scripts compare it: SettingsError is settings_error."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(problem).__name__).lower()


def _drop_output() -> None:
    """Let what is still to be written go nowhere, so that the interpreter's own end does not meet the problem again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
