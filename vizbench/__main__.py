"""Start the program `vizbench`. `python -m vizbench` is the same."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line. Ctrl-C during its import also ends it without a traceback."""
    try:
        from vizbench.cli import main as command_line
    except KeyboardInterrupt:
        sys.stderr.write("vizbench: stopped; nothing was started\n")
        sys.stderr.flush()
        os._exit(130)
    command_line()


def _leave_current_folder() -> None:
    """Remove the current folder from the path, where `python -m` puts it first.

    Otherwise a file `json.py` or `numpy.py` in it would replace the real module. If vizbench itself is in the
    folder, the folder moves to the end of the path.
    """
    folder = sys.path[0] if sys.path and not sys.flags.safe_path else None
    if folder is None or os.path.abspath(folder) != os.path.abspath(os.curdir):
        return
    sys.path.pop(0)
    if folder == os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        sys.path.append(folder)


if __name__ == "__main__":
    _leave_current_folder()
    main()
