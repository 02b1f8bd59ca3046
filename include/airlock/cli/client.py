"""``apache-airflow-client`` without what no command needs.

The ``__init__`` of its packages import every endpoint and all of its 300 models: a second's work, at each
start. With bare packages in their place a module of it loads only the modules that it names itself.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

_PACKAGES = ("airflow_client.client", "airflow_client.client.api", "airflow_client.client.models")


def load_by_the_piece() -> None:
    """Let the client's modules be imported one by one; does nothing where it is imported already.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    if _PACKAGES[0] in sys.modules:
        return
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        package = module_from_spec(spec)
        sys.modules[name] = package
        parent, _, short = name.rpartition(".")
        setattr(sys.modules[parent], short, package)
