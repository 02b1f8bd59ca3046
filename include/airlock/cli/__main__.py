"""``python -m include.airlock.cli``."""

from __future__ import annotations

import io
import signal
import sys

from include.airlock.cli.main import main

if __name__ == "__main__":
    # `airlock status payments | head -1` ends quietly, as in any pipe. Windows has no such signal.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # A terminal that can't show a sign gets another one, not a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(main())
