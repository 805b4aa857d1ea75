"""What is measured. Each scenario is a function of one server that returns {quantity: value}; QUANTITIES says which way
is better."""

import contextlib
import io
import itertools
import os
import resource
import tarfile
import time

import labs
from clients import move_small
from limit import Limit, make_file
from load import Load, once

GB = 1e9
MIB = 1 << 20
# Quantity: (unit, is more better)
QUANTITIES = {
    "rate": ("GB/s", True),
    "cpu_per_gb": ("CPU s/GB", False),
    "fairness": ("slowest / mean rate", True),
    "files_per_second": ("files/s", True),
    "cpu_per_file": ("CPU ms/file", False),
    "logins_per_second": ("logins/s", True),
    "cpu_per_login": ("CPU ms/login", False),
    "memory_per_session": ("KiB/session", False),
    "sessions": ("sessions held", True),
    "lab_seconds": ("s/lab", False),
    "worker_start": ("ms more at the first login", False),
    "worker_memory": ("MiB PSS of an idle worker", False),
    "entries_per_second": ("entries/s", True),
    "cpu_per_entry": ("CPU µs/entry", False),
    "first_byte": ("ms to the first byte", False),
    "peak": ("MiB peak", False),
}


def _moved(result):
    gigabytes = result["bytes"] / GB
    values = {
        "rate": gigabytes / result["seconds"],
        "cpu_per_gb": result["cpu"] / gigabytes,
        "peak": result["peak"] / MIB,
    }
    sessions = result.get("session_seconds", [])
    if len(sessions) > 1:
        rates = [1 / seconds for seconds in sessions]
        values["fairness"] = min(rates) / (sum(rates) / len(rates))
    return values


def _filed(result):
    return {
        "files_per_second": result["files"] / result["seconds"],
        "cpu_per_file": result["cpu"] / result["files"] * 1e3,
        "peak": result["peak"] / MIB,
    }


_directories = itertools.count()


def _fresh_directory(server):
    """Its name. What the runs of small files leave stays until the end: ext4 searches long for an inode where many were
    deleted a moment ago, and would let the next run pay for it."""
    name = f"run-{next(_directories)}"
    (server.home / name).mkdir()
    os.chown(server.home / name, *server.owner)
    return name


def _clear(server):
    """Of large files."""
    for entry in server.home.iterdir():
        if entry.is_file():
            entry.unlink()


def _warm_memory(folder, size):
    """A virtual machine gives free memory back to its host after seconds, and whoever takes it next pays for that, more
    than for the copy: so there is some at hand for each server, not for those that come after another."""
    make_file(folder / "warm", size)
    (folder / "warm").unlink()


def put(server, sizes, sessions):
    _warm_memory(server.folder_of_files, sizes.file_bytes + sizes.file_bytes // 2)
    if isinstance(server, Limit):
        return _moved(server.measure("put", sizes.file_bytes))
    result = once(server, "put", sessions=sessions, bytes=sizes.file_bytes // sessions, prefix="up")
    _clear(server)
    return _moved(result)


def get(server, sizes, sessions):
    if isinstance(server, Limit):
        return _moved(server.measure("get", sizes.file_bytes))
    for session in range(sessions):
        make_file(server.home / f"down{session}-0", sizes.file_bytes // sessions, server.owner)
    result = once(server, "get", sessions=sessions, prefix="down")
    _clear(server)
    return _moved(result)


def _serving(server):
    return server.serving() if isinstance(server, Limit) else contextlib.nullcontext()


def put_small(server, sizes, sessions):
    prefix = _fresh_directory(server) + "/s"
    files = sizes.files // sessions
    with _serving(server):
        return _filed(once(server, "put", sessions=sessions, files=files, bytes=sizes.small_bytes, prefix=prefix))


def get_small(server, sizes, sessions):
    prefix = _fresh_directory(server) + "/s"
    files = sizes.files // sessions
    for session in range(sessions):
        for file in range(files):
            make_file(server.home / f"{prefix}{session}-{file}", sizes.small_bytes, server.owner)
    with _serving(server):
        return _filed(once(server, "get", sessions=sessions, files=files, prefix=prefix))


def by_client(server, sizes, client, verb):
    remote = _fresh_directory(server)
    return _filed(move_small(server, client, verb, remote, sizes.client_files, sizes.small_bytes))


def login(server, sizes, parallel):
    _make_directory(server, "empty", 1)
    with Load(server, "login", sessions=sizes.logins, parallel=parallel) as load:
        result = load.run()
    return {
        "logins_per_second": result["logins"] / result["seconds"],
        "cpu_per_login": result["cpu"] / result["logins"] * 1e3,
    }


def _settle(server):
    """The memory once processes that end have ended."""
    memory, still = server.group.pss_bytes(), 0
    while still < 3:
        time.sleep(0.2)
        now = server.group.pss_bytes()
        still = still + 1 if abs(now - memory) < 256 * 1024 else 0
        memory = now
    return memory


_with_one_session = {}


def idle(server, sizes, times=1):
    """A first session is there before, so that what all share is counted for none. From the second round on, a process
    that stays has memory in reserve from the first: what counts is what it had before that."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    sessions = min(sizes.sessions * times, (descriptors - 200) // 2)
    with Load(server, "idle", sessions=1):
        before = _with_one_session.setdefault(server.name, _settle(server))
        with Load(server, "idle", sessions=sessions):
            after = _settle(server)
    return {"memory_per_session": (after - before) / 1024 / sessions, "sessions": sessions}


def login_among_labs(server, sizes):
    labs.make_many(server, sizes.labs)
    return login(server, sizes, parallel=1)


def _make_directory(server, name, entries):
    folder = server.home / name
    if folder.exists():
        return
    folder.mkdir()
    for number in range(entries):
        (folder / f"file-{number:06}.bin").touch()
    os.chown(folder, *server.owner)


def listing(server, sizes, verb):
    _make_directory(server, "many", sizes.entries)
    result = once(server, "list", verb=verb, directory="many")
    assert result["lines"] >= sizes.entries, f"{server.name}: {result['lines']} lines of {sizes.entries}"
    return {
        "entries_per_second": result["lines"] / result["seconds"],
        "cpu_per_entry": result["cpu"] / result["lines"] * 1e6,
        "first_byte": result["first_byte_seconds"] * 1e3,
        "peak": result["peak"] / MIB,
    }


def unpack(server, sizes):
    archive = server.home.parent / "files.tar"
    content = os.urandom(sizes.small_bytes)
    with tarfile.open(archive, "w") as tar:
        for number in range(sizes.unpacked_files):
            member = tarfile.TarInfo(f"{number // 1000}/file-{number:06}.bin")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    name = _fresh_directory(server) + "/files.tar"
    result = once(server, "unpack", file=archive, name=name)
    archive.unlink()
    found = sum(1 for path in (server.home / f"{name}.d").rglob("*.bin"))
    assert found == sizes.unpacked_files, f"{found} of {sizes.unpacked_files} files were unpacked"
    return _filed({**result, "files": sizes.unpacked_files})


# Name: (title, function, arguments, does the limit take part)
SCENARIOS = {
    "put": ("upload, one connection", put, {"sessions": 1}, True),
    "get": ("download, one connection", get, {"sessions": 1}, True),
    "put8": ("upload, 8 at once", put, {"sessions": 8}, False),
    "get8": ("download, 8 at once", get, {"sessions": 8}, False),
    "put-small": ("small files up, one connection", put_small, {"sessions": 1}, True),
    "put-small8": ("small files up, 8 at once", put_small, {"sessions": 8}, True),
    "get-small": ("small files down, one connection", get_small, {"sessions": 1}, True),
    "get-small8": ("small files down, 8 at once", get_small, {"sessions": 8}, True),
    "unpack": ("small files up as one tar, SITE UNPACK", unpack, {}, False),
    "login": ("login to first listing, one after another", login, {"parallel": 1}, False),
    "login8": ("login to first listing, 8 at once", login, {"parallel": 8}, False),
    "idle": ("logged in and idle", idle, {}, False),
    "list": ("LIST of a large directory", listing, {"verb": "LIST"}, False),
    "mlsd": ("MLSD of a large directory", listing, {"verb": "MLSD"}, False),
    "put-small-lftp": ("small files up, lftp", by_client, {"client": "lftp", "verb": "put"}, False),
    "get-small-lftp": ("small files down, lftp", by_client, {"client": "lftp", "verb": "get"}, False),
    "put-small-curl": ("small files up, curl", by_client, {"client": "curl", "verb": "put"}, False),
    "get-small-curl": ("small files down, curl", by_client, {"client": "curl", "verb": "get"}, False),
    "put64": ("upload, 64 at once", put, {"sessions": 64}, False),
    "get64": ("download, 64 at once", get, {"sessions": 64}, False),
    "idle10": ("logged in and idle, ten times as many", idle, {"times": 10}, False),
    "lab": ("a lab is made, and entered", labs.lab, {}, False),
    # Last: so many labs are there from then on.
    "login-labs": ("login to first listing, among many labs", login_among_labs, {}, False),
}
PEERS = ("vsftpd", "ProFTPD", "Pure-FTPd")
# vsftpd has no MLSD; only stowage unpacks and has labs; ten thousand processes of a peer would take 6 to 20 GB.
_OURS = ("unpack", "idle10", "lab", "login-labs")
CANNOT = {("mlsd", "vsftpd"), *((scenario, name) for scenario in _OURS for name in PEERS)}
# Whose best peer is that of another scenario.
BASELINE = {"unpack": "put-small", "idle10": "idle", "login-labs": "login"}
