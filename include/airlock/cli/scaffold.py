"""``airlock new``: a service's spec and its DAG files, to be adapted; the spec is valid from the start."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.specs import dags_folder
from include.airlock.errors import SpecError
from include.airlock.model.loading import parse_service
from include.airlock.model.service import Service

_STATUS_PAGE = """\
status_page:
  path: /status
  format: json
  build: build # the key that holds the build
  health: state # the key that says how it is
  dependencies: null # the key that lists what it needs, if it has one
"""

_DEPLOY = """\
deploy:
  document: {service}-deploy # the Systems Manager document that puts a build on a machine
  build_parameter: Build # its parameter that takes the build
"""

_REGIONS = {
    "slot_swap": """\
  - name: {region}
    connection: azure_{word}
    resource_group: rg-{service}-{region}
    app: {service}-{region}
""",
    "rolling": """\
  - name: {region}
    connection: aws_{word}
    farms:
      - name: production
        target_groups: [{service}-production]
""",
    "blue_green": """\
  - name: {region}
    connection: aws_{word}
    listener: {service}-alb:443 # load balancer:port
    target_groups: [{service}-blue, {service}-green]
""",
}

_DAG_FILE = '''\
"""Release {service}, one region at a time: an Airflow DAG made from services/{service}.yaml."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
'''

_ROLLBACK_FILE = '''\
"""Undo the last release of {service} in one act: an Airflow DAG made from services/{service}.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
'''


def new(options: argparse.Namespace) -> Exit:
    """Write spec and DAG files of a new service; nothing that is there is overwritten.

    Raises:
        CannotGoOn: a name can't be used, or a file is there already; nothing is written then.
    """
    dags = dags_folder(options)
    spec = spec_of(options.service, options.strategy, options.owner, options.region)
    try:
        service = parse_service(spec, name=f"{options.service}.yaml")
    except SpecError as error:
        raise bad_input(f"no valid spec comes of it: {error}") from None
    files = {dags / "services" / f"{service.service}.yaml": spec} | {
        dags / name: text for name, text in dag_files(service.service).items()
    }
    _write(files)
    if options.json:
        print(json.dumps({"service": service.service, "files": [str(path) for path in files]}))
        return Exit.DONE
    for path in files:
        print(f"wrote {path}")
    print(_next(service))
    return Exit.DONE


def spec_of(service: str, strategy: str, owner: str, regions: list[str]) -> str:
    """The text of a spec; the names of cloud resources follow the service's and are to be adapted."""
    places = "".join(
        _REGIONS[strategy].format(service=service, region=region, word=region.replace("-", "_"))
        for region in regions
    )
    deploy = "" if strategy == "slot_swap" else _DEPLOY.format(service=service)
    return (
        "# yaml-language-server: $schema=../../docs/service.schema.json\n"
        f"service: {service}\n"
        # JSON's strings are YAML's.
        f"owner: {json.dumps(owner, ensure_ascii=False)}\n"
        f"strategy: {strategy}\n"
        f"regions:\n{places}{deploy}{_STATUS_PAGE}"
        "bake: 5m\n"
        "on_failure: roll_back_region\n"
    )


def dag_files(service: str) -> dict[str, str]:
    """The DAG files of a service, by their names."""
    return {
        f"release_{service}.py": _DAG_FILE.format(service=service),
        f"rollback_{service}.py": _ROLLBACK_FILE.format(service=service),
    }


def _write(files: dict[Path, str]) -> None:
    """Write all files or none.

    Raises:
        CannotGoOn: one is there already, or can't be written.
    """
    there = [str(path) for path in files if path.exists()]
    if there:
        raise bad_input(f"{' and '.join(there)} is there already; nothing was written")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink()
        raise CannotGoOn(f"{error.filename} can't be written: {error.strerror}", Exit.FAILED) from None


def _next(service: Service) -> str:
    connections = ", ".join(dict.fromkeys(region.connection for region in service.regions))
    return (
        "adapt the names in the spec, then: airlock validate\n"
        f"and make the Airflow connections it names (docs/connections.md): {connections}"
    )
