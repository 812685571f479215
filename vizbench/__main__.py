"""Start the program `vizbench`; `python -m vizbench` is the same."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line. Ctrl-C while it is imported ends it without a traceback, as it does later."""
    try:
        from vizbench.cli import main as command_line
    except KeyboardInterrupt:
        sys.stderr.write("vizbench: stopped; nothing was begun\n")
        sys.stderr.flush()
        os._exit(130)
    command_line()


def _leave_current_folder() -> None:
    """Import nothing from the current folder, which `python -m` puts first on the path.

    A file `json.py` or `numpy.py` there would take the place of the real one. If vizbench itself is there,
    the folder goes last.
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
