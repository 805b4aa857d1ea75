"""What sessions cost that move no files: logins, idle ones, listings. Each function returns {quantity: value}."""

import os
import resource
import time

from load import Load, once

MIB = 1 << 20


def logged_in(result):
    return {
        "logins_per_second": result["logins"] / result["seconds"],
        "cpu_per_login": result["cpu"] / result["logins"] * 1e3,
    }


def login(server, sizes, parallel):
    make_directory(server.home, server.owner, "empty", 1)
    return logged_in(once(server, "login", sessions=sizes.logins, parallel=parallel))


def _settle(server):
    """The memory once processes that end have ended."""
    memory, still = server.group.pss_bytes(), 0
    while still < 3:
        time.sleep(0.2)
        now = server.group.pss_bytes()
        still = still + 1 if abs(now - memory) < 256 * 1024 else 0
        memory = now
    return memory


_least = {}


def idle(server, sizes, times=1):
    """A first session is there before, so that what all share is counted for none. A server whose processes stay has
    memory in reserve from earlier sessions: what counts is what it had before those. That all sessions were there to
    the end, the load client's exit status says: each has to be let go with 221."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    sessions = min(sizes.sessions * times, (descriptors - 200) // 2)
    with Load(server, "idle", sessions=1):
        before = _settle(server)
        if server.processes_stay:
            before = _least[server.name] = min(before, _least.get(server.name, before))
        with Load(server, "idle", sessions=sessions):
            after = _settle(server)
    return {"memory_per_session": (after - before) / 1024 / sessions, "sessions": sessions}


def make_directory(home, owner, name, entries):
    folder = home / name
    if folder.exists():
        return
    folder.mkdir()
    for number in range(entries):
        (folder / f"file-{number:06}.bin").touch()
    os.chown(folder, *owner)
    os.sync()


def listing(server, sizes, verb, part=1):
    """@param part a directory of so few entries is listed so many times"""
    entries = max(1, sizes.entries // part)
    make_directory(server.home, server.owner, f"many-{entries}", entries)
    result = once(server, "list", verb=verb, directory=f"many-{entries}", times=part)
    most = entries + 2  # MLSD may name the directory and its parent
    if not entries * part <= result["lines"] <= most * part:
        raise RuntimeError(f"{result['lines']} lines came of {entries * part}")
    return {
        "entries_per_second": result["lines"] / result["seconds"],
        "cpu_per_entry": result["cpu"] / result["lines"] * 1e6,
        "first_byte": result["first_byte_seconds"] * 1e3,
        "peak": result["peak"] / MIB,
    }
