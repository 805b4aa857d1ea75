"""What a run has made on this machine, written down before it is made, so that it can be undone.

The file survives kill -9: the next run on the same state directory reads it and undoes what was left.
"""

import json
import os
import pathlib
import subprocess
import time

from tour import mounts, processes

BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


class Journal:
    """Append-only lines of JSON, synced one by one."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._file = open(self.path, "a", encoding="utf-8", opener=private)
        if self.path.stat().st_size == 0:
            self.record("boot", id=BOOT_ID.read_text().strip())

    def record(self, kind, **fields):
        self._file.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def make_directory(self, path, mode=0o755):
        """mkdir -p; only what did not exist is recorded, and so removed in the end."""
        path = pathlib.Path(path)
        for parent in [*reversed(path.parents), path]:
            if parent.exists():
                continue
            self.record("directory", path=str(parent))
            parent.mkdir(exist_ok=True)
            parent.chmod(mode)

    def close(self):
        self._file.close()


def private(path, flags):
    """An opener for files that nobody but root may read, from their first moment."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def read(path):
    """The entries of a journal; a half-written last line (the machine died) is left out."""
    entries = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entries.append(json.loads(line))
            except ValueError:
                break
    return entries


def undo(entries, patience):
    """Undoes the entries, the latest first. Returns what could not be undone, as sentences. What is not there (any
    more) is no problem: an entry is written before its deed."""
    same_boot = any(e["kind"] == "boot" and e["id"] == BOOT_ID.read_text().strip() for e in entries)
    problems = []
    for entry in reversed(entries):
        try:
            _undo_one(entry, same_boot, patience)
        except (OSError, subprocess.SubprocessError) as problem:
            problems.append(f"{entry['kind']} {entry.get('path', entry.get('name', ''))}: {problem}")
    return problems


def _undo_one(entry, same_boot, patience):
    kind = entry["kind"]
    if kind == "process" and same_boot:
        processes.end(entry["pid"], entry["started"], patience.seconds(entry["grace_seconds"]))
    elif kind == "mount":
        mounts.unmount_below(entry["path"], patience)
    elif kind == "lab_directory":
        mounts.unmount_below(entry["path"], patience)
        mounts.remove_subvolume_or_tree(entry["path"])
    elif kind == "tree":
        mounts.remove_tree(entry["path"])
    elif kind == "directory":
        _remove_if_empty(entry["path"])
    elif kind == "mode" and os.path.isdir(entry["path"]):
        os.chmod(entry["path"], entry["mode"])
    elif kind == "kernel_export" and os.path.exists(entry["path"]):
        os.unlink(entry["path"])
        subprocess.run(["exportfs", "-ra"], check=False, capture_output=True, timeout=30)


def _remove_if_empty(path):
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError as problem:
        if os.path.ismount(path) or not os.listdir(path):
            raise problem


class Patience:
    """How long an orderly end may take; a second Ctrl-C uses it up."""

    def __init__(self):
        self.hurry = False

    def seconds(self, wanted):
        return min(wanted, 1) if self.hurry else wanted

    def deadline(self, wanted):
        return time.monotonic() + self.seconds(wanted)
