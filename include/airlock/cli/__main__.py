"""``python -m include.airlock.cli``."""

from __future__ import annotations

import signal
import sys

from include.airlock.cli.main import main

if __name__ == "__main__":
    # `airlock status payments | head -1` ends quietly, as in any pipe. Windows has no such signal.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
