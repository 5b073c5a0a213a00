"""`matryo` and `python -m matryo`: run a command; bad input is one line on stderr and exit code 2."""

import errno
import sys
import traceback

from matryo.errors import MatryoError, MissingExtra

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command line.

    Args:
        arguments: words after the program's name; None = those of this process.

    Returns: 0 if it worked, 2 for bad input, 130 when interrupted.
    """
    from typer.exceptions import TyperException

    from matryo.cli import app

    words = sys.argv[1:] if arguments is None else arguments
    verbose = "-v" in words or "--verbose" in words
    try:
        # without standalone mode errors arrive here, where all of them get the same form
        code = app(words or ["--help"], prog_name="matryo", standalone_mode=False)
    except TyperException as error:
        return _refuse(f"{error.format_message()} See: matryo --help", verbose)
    except (MatryoError, MissingExtra) as error:
        return _refuse(str(error), verbose)
    except OSError as error:
        return _refuse(_os_message(error), verbose)
    except KeyboardInterrupt:
        sys.stderr.write("matryo: interrupted; the same command goes on where it was\n")
        return _INTERRUPTED
    return code if isinstance(code, int) else 0


def _refuse(message: str, verbose: bool) -> int:
    if verbose:
        traceback.print_exc()
    sys.stderr.write(f"matryo: error: {' '.join(message.split())}\n")
    return _BAD_INPUT


def _os_message(error: OSError) -> str:
    name = f" {error.filename}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{name}; free some space and run the same command again, what is finished is kept"
    return f"{error.strerror or error}{name}; check the path and its permissions"


if __name__ == "__main__":
    sys.exit(main())
