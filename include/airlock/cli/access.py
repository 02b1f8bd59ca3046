"""Where Airflow is and who asks: from options, else from the environment; no secret in an argument or URL."""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from include.airlock.cli.ending import bad_input

_MAX_SECRET = 64 * 1024


@dataclass(frozen=True)
class Access:
    """An Airflow, and either a token or a user with a password to get tokens with."""

    url: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


def access_of(options: argparse.Namespace, environ: Mapping[str, str]) -> Access:
    """Read ``--url``, ``--token-file``, ``--user``, ``--password-file``, ``--ca-file``, or their variables.

    Raises:
        CannotGoOn: one is missing or can't be used; the sentence says which to set.
    """
    url = _checked(options.url or environ.get("AIRLOCK_URL", ""))
    ca_file = options.ca_file or environ.get("AIRLOCK_CA_FILE") or None
    if ca_file is not None and not Path(ca_file).is_file():
        raise bad_input(f"there is no CA file {ca_file}")
    token = _token(options, environ)
    if token is not None:
        return Access(url, token=token, ca_file=ca_file)
    user = options.user or environ.get("AIRLOCK_USER") or None
    secret_file = options.password_file or environ.get("AIRLOCK_PASSWORD_FILE") or None
    if user is None or secret_file is None:
        raise bad_input(
            "who asks? Set AIRLOCK_TOKEN (or --token-file), or AIRLOCK_USER and AIRLOCK_PASSWORD_FILE "
            "(or --user and --password-file)"
        )
    return Access(url, user=user, password=_password(_read(secret_file), user), ca_file=ca_file)


def _token(options: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """The token, unless a user is named on the command line: what is written there goes first."""
    if options.token_file:
        token = _read(options.token_file).strip()
        if not token:
            raise bad_input(f"{options.token_file} holds no token")
        return token
    if options.user or options.password_file:
        return None
    return environ.get("AIRLOCK_TOKEN", "").strip() or None


def _checked(url: str) -> str:
    """The address without what follows the server's own path.

    Raises:
        CannotGoOn: it is missing, no http(s) address, or holds a secret.
    """
    if not url:
        raise bad_input("which Airflow? Set AIRLOCK_URL, or give --url, like https://airflow.example.com")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # The address is not shown: a secret may be in it.
        raise bad_input("the address of Airflow must be like https://airflow.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise bad_input("the address of Airflow must hold no user, password or query; see AIRLOCK_TOKEN")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        print("airlock: warning: http sends the token unencrypted; use https", file=sys.stderr)
    return url.rstrip("/").removesuffix("/api/v2")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(path: str) -> str:
    """A secret from a file, ``-`` for standard input.

    Raises:
        CannotGoOn: it can't be read.
    """
    try:
        if path == "-":
            return sys.stdin.read(_MAX_SECRET)
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_MAX_SECRET)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise bad_input(f"{path} can't be read: {why}") from None


def _password(content: str, user: str) -> str:
    """A user's password from a file: its first line, or a JSON object of passwords by user.

    The latter is how Airflow's simple auth manager keeps its own.
    """
    try:
        kept = json.loads(content)
    except ValueError:
        kept = None
    if isinstance(kept, dict):
        found = kept.get(user)
        if not isinstance(found, str):
            raise bad_input(f"the password file has no password for {user}")
        return found
    first = content.split("\n", 1)[0].strip("\r")
    if not first:
        raise bad_input("the password file is empty")
    return first
