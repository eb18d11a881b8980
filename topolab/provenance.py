"""Where and with what a run was made. Kept in its manifest, no part of its identity."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

__all__ = ["now", "provenance"]

_PACKAGES = ("topolab", "torch", "numpy", "scipy", "igraph", "networkx", "powerlaw")


def now() -> str:
    """The time as ISO 8601, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def provenance(command: str | None) -> dict[str, Any]:
    """Time, versions, platform, git revision of the working folder, command."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "created": now(),
        "versions": versions,
        "platform": f"{platform.system()} {platform.machine()}",
        "git_revision": _git_revision(),
        "command": command or " ".join(sys.argv),
    }


def _git_revision() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
