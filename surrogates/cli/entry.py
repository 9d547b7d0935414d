"""The group of commands, and the one place where an error becomes one line on stderr and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import traceback
import warnings
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..contract.errors import SurrogatesError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SUCCESS = 0
CHECK_FAILED = 1
REFUSED = 2
UNEXPECTED = 3
INTERRUPTED = 130
PIPE_CLOSED = 141
STOPPED = {signal.SIGUSR1: 138, signal.SIGTERM: 143}
"""By the signals with which batch systems announce the end: the same command with --resume goes on."""

COMPLETE = "_SURROGATES_COMPLETE"
"""Environment variable by which a shell asks for completions, as click has it."""

_COMMANDS = {
    "list": ("listing", "list_command"),
    "info": ("listing", "info_command"),
    "generate": ("generation", "generate_group"),
    "reference": ("generation", "reference_group"),
    "train": ("learning", "train_command"),
    "validate": ("checking", "validate_command"),
    "card": ("cards", "card_command"),
    "benchmark": ("timing", "benchmark_group"),
    "augment": ("augmenting", "augment_command"),
    "plot": ("files", "plot_command"),
    "convert": ("files", "convert_command"),
    "merge": ("files", "merge_command"),
    "survey": ("surveying", "survey_command"),
    "verify": ("files", "verify_command"),
    "serve": ("serving", "serve_command"),
    "demo": ("demo", "demo_command"),
    "gallery": ("gallery", "gallery_command"),
}

_SHORT = {
    "list": "The installed plugins and their released weights.",
    "info": "What a plugin takes, gives, keeps and reaches.",
    "generate": "Draw samples from a surrogate.",
    "reference": "Draw samples from the reference simulator.",
    "train": "Train a recipe, and release its weights and card.",
    "validate": "Measure samples against a reference; exit 1 where a required figure is not met.",
    "card": "Measure weights on test sets, and put the figures on their card.",
    "benchmark": "Time surrogate and reference side by side in one run.",
    "augment": "Whether a classifier gains or loses by generated items beside real ones.",
    "plot": "Draw the plugin's figure of one or two files, a walk between samples, or hidden units.",
    "convert": "Read samples in one format, write them in another.",
    "merge": "Join the shards of a folder into one file.",
    "survey": "A mock survey: galaxies on a lightcone, and images of them.",
    "serve": "Every simulator in a browser, and over HTTP.",
    "demo": "Every released surrogate beside a fresh reference, in one page.",
    "gallery": "Every installed simulator's pictures and figures, as static pages.",
    "verify": "Check a file, a folder of shards, or released weights; exit 1 where a problem is found.",
}


class CheckFailed(Exception):
    """A check that ran to its end and found a problem; its report is already printed."""


class LazyCommands(click.Group):
    """Commands whose modules are imported when they are called, so that `list` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        return getattr(importlib.import_module(f".{module}", __package__), attribute)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return completed_names(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_SHORT.items()))


def completed_names(group: click.Group, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Commands and options of a group that begin so; its commands' modules stay unimported."""
    from click.shell_completion import CompletionItem

    names = [CompletionItem(name) for name in group.list_commands(ctx) if name.startswith(incomplete)]
    return [*names, *click.Command.shell_complete(group, ctx, incomplete)]


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"surrogates {metadata.version('surrogates')}")
        ctx.exit()


@click.group(
    cls=LazyCommands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "token_normalize_func": lambda token: token.replace("_", "-") if token.startswith("--") else token,
    },
    epilog="Exit codes: 0 done; 1 a check ran and failed (validate, verify); 2 bad usage or input, or an output that "
    "cannot be written; 3 an unexpected failure; 130 interrupted; 138 and 143 ended by SIGUSR1 and SIGTERM, as batch "
    "systems send them, and --resume goes on; 141 the reader of stdout went away. Results go to stdout, progress and "
    "errors to stderr.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error (with any command).")
def surrogates() -> None:
    """Fast learned stand-ins for expensive simulators: the same call, the same data out, the error measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; the entry point of the console script."""
    _arrived.clear()
    for number in STOPPED:
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    sys.unraisablehook = _unraisable
    if asked := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(surrogates, {}, "surrogates", COMPLETE, asked))
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


class Terminated(BaseException):
    """A signal that batch systems and `timeout` send; whatever was being written is taken away on the way out.

    Parameters
    ----------
    number : signal.Signals
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number)
        self.number = number


class Interrupted(KeyboardInterrupt):
    """Ctrl-C."""


def _end(number: int, _: object) -> None:
    for other in STOPPED:
        signal.signal(other, signal.SIG_IGN)
    raise _exception(number)  # no name here may hold it, or its traceback would keep it alive


def _exception(number: int) -> BaseException:
    ended = Interrupted() if number == signal.SIGINT else Terminated(signal.Signals(number))
    weakref.finalize(ended, _ask_again, number).atexit = False
    return ended


def _ask_again(number: int) -> None:
    """Send a signal once more whose exception is gone before the run has ended.

    A signal's handler runs wherever the interpreter is. Where that is a ``__del__``, a callback of C code or a library
    that excepts everything, the exception is dropped, and the run would go on to its end as if nobody had asked it to
    stop. An exception on its way out is alive; one that was dropped is not.
    """
    if _arrived.is_set():
        return
    for other in STOPPED:
        signal.signal(other, _end)
    again = threading.Timer(0.05, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


_arrived = threading.Event()
"""Set once a signal's exception has come to where a run ends."""


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """A signal in a finaliser is sent again, and needs no report."""
    if not isinstance(unraisable.exc_value, (Terminated, KeyboardInterrupt)):
        sys.__unraisablehook__(unraisable)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; never raises.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        0 done, 1 check failed, 2 refused, 3 unexpected, 130 interrupted, 138 SIGUSR1, 141 broken pipe, 143 SIGTERM.
    """
    debug = "--debug" in arguments
    if not debug:
        warnings.showwarning = _one_line_warning  # type: ignore[assignment]
    try:
        with surrogates.make_context(
            "surrogates", [argument for argument in arguments if argument != "--debug"]
        ) as context:
            surrogates.invoke(context)
        sys.stdout.flush()
        return SUCCESS
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except CheckFailed:
        return CHECK_FAILED
    except (KeyboardInterrupt, click.Abort):
        _arrived.set()
        return _complain("interrupted; nothing is left half-written", INTERRUPTED)
    except Terminated as ended:
        _arrived.set()
        name = ended.number.name
        return _complain(
            f"ended by {name}; nothing is left half-written, and a folder goes on with --resume", STOPPED[ended.number]
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PIPE_CLOSED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message(), err=True)
        return REFUSED
    except click.ClickException as error:
        return _complain(error.format_message(), REFUSED)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else UNEXPECTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, SurrogatesError):
            return _complain(str(error), REFUSED)
        if isinstance(error, OSError):
            return _complain(_describe(error), REFUSED)
        missing = _missing_library(error)
        if missing:
            return _complain(missing, REFUSED)
        return _complain(f"unexpected {_describe(error)}; --debug shows where", UNEXPECTED)


def _missing_library(error: BaseException) -> str:
    """One line about an optional library that is not installed, wherever its import was tried; "" for other errors."""
    from ..provenance import extra_of

    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    extra = extra_of(error.name)
    top = error.name.partition(".")[0]
    return f"{top} is not installed, and this needs it; pip install 'surrogates[{extra}]'" if extra else ""


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _complain(message: str, code: int) -> int:
    try:
        click.echo(f"surrogates: error: {' '.join(message.split())}", err=True)
    except OSError:
        pass
    return code


def _one_line_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    if issubclass(category, UserWarning) and not issubclass(category, (DeprecationWarning, PendingDeprecationWarning)):
        click.echo(f"surrogates: warning: {' '.join(str(message).split())}", err=True)
