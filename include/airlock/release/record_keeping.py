"""Where record files are kept: a folder or a bucket, by ``[airlock] records``.

The default is the folder ``records`` below ``AIRFLOW_HOME``. Another place is any that Airflow's object
storage knows, as in ``s3://aws_default@records/airlock`` (``AIRFLOW__AIRLOCK__RECORDS``). A file that
could not be written fails no release: the next verdict of the service, and ``airlock_tell_again``, write it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import yaml
from pydantic import ValidationError

from include.airlock.model.record_file import RecordFile
from include.airlock.release.record_file import record_file_of
from include.airlock.release.record_text import render

if TYPE_CHECKING:
    from include.airlock.release.ledger import Ledger

T = TypeVar("T")

log = logging.getLogger(__name__)

WRITE_S = 20.0
"""Seconds that a place has to take one file."""

_LONGEST_NAME = 120
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]|^\.")
_LOCAL = ("", "file", "local")


class NotKept(Exception):
    """The place of the records gave no answer; the text says why. It fails no release."""


def name_of(release: str) -> str:
    """A run's id as the name of its file; ids that would give the same name get different ones."""
    name = _NOT_IN_A_NAME.sub("_", release)[:_LONGEST_NAME]
    return f"{name}.yaml" if name == release else f"{name}-{sha256(release.encode()).hexdigest()[:8]}.yaml"


def keep_record(ledger: Ledger, service: str, release: str) -> str | None:
    """Write a release's record file, and those that could not be written before; answers where it is.

    No trouble is raised: what could not be written (None) is said in the log and tried again later.
    """
    where = _keep(ledger, service, release)
    if where is not None:
        for each in ledger.unwritten():
            if _keep(ledger, service, each) is None:
                break  # the place is in trouble again
    return where


def _keep(ledger: Ledger, service: str, release: str) -> str | None:
    try:
        file = record_file_of(ledger, release)
        where = "" if file is None else in_time(WRITE_S, partial(_write_whole, service, release, file))
    except Exception as fault:  # whatever it is: a file fails no release
        log.warning("the record of %s is not written; it is tried again later", release, exc_info=fault)
        ledger.note_unwritten(release)
        return None
    log.info("the record of %s is in %s", release, where or "nothing: the ledger has forgotten it")
    ledger.note_written(release)
    return where


def _write_whole(service: str, release: str, file: RecordFile) -> str:
    return write(service, release, render(with_plan(file, service, release)))


def with_plan(file: RecordFile, service: str, release: str) -> RecordFile:
    """A file with the plan of the one kept before, where the ledger has forgotten that plan since."""
    if file.plan is None or file.plan.calls:
        return file
    try:
        kept = read_file(service, release)
    except NotKept:
        return file
    known = kept is not None and kept.plan is not None and kept.plan.hash == file.plan.hash
    return file.model_copy(update={"plan": kept.plan}) if kept and known else file


def in_time(seconds: float, call: Callable[[], T]) -> T:
    """Run ``call``, but wait no longer for it: some stores wait for minutes, one packet after the other.

    It is left behind in a daemon thread; what it may still write is what was meant.

    Raises:
        NotKept: there was no answer in time.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as trouble:  # noqa: BLE001 - whatever it is, it is raised where it was asked for
            answer.set_exception(trouble)

    threading.Thread(target=run, name="airlock-record", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as fault:
        raise NotKept(f"no answer within {seconds:g} s") from fault


def write(service: str, release: str, text: str) -> str:
    """Write a record file, in one go where it replaces an older one; answers where it is.

    Raises whatever the kind of store raises.
    """
    path = _path(service, release)
    if path.protocol in _LOCAL:
        _replace(Path(path.path), text)
    else:
        path.write_text(text, encoding="utf-8")  # a store of objects shows it whole or not at all
    return str(path)


def read(service: str, release: str) -> str | None:
    """A record file as it was written, or None where there is none.

    Raises:
        NotKept: the place can't be read.
    """
    try:
        path = _path(service, release)
        text: str = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except Exception as fault:  # each kind of store has errors of its own
        raise NotKept(f"{type(fault).__name__}: {fault}") from fault
    return text


def read_file(service: str, release: str) -> RecordFile | None:
    """The same, parsed.

    Raises:
        NotKept: the place can't be read, or what is there is no record.
    """
    text = read(service, release)
    try:
        return None if text is None else RecordFile.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as fault:
        raise NotKept(f"what is kept of {release} is no record") from fault


def _path(service: str, release: str) -> Any:
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.configuration import conf

    root = conf.get("airlock", "records", fallback="") or (_home() / "records").as_uri()
    return ObjectStoragePath(root) / service / name_of(release)


def _home() -> Path:
    """``AIRFLOW_HOME`` as Airflow itself finds it."""
    return Path(os.path.expandvars(os.environ.get("AIRFLOW_HOME", "~/airflow"))).expanduser().absolute()


def _replace(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, also when the writer dies in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
