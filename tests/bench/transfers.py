"""Files up and down: each function moves some by one server and returns {quantity: value}."""

import contextlib
import io
import itertools
import os
import tarfile

from clients import move_small
from limit import Limit, make_file
from load import once

GB = 1e9
MIB = 1 << 20


def _moved(result, expected_bytes):
    if result["bytes"] != expected_bytes:
        raise RuntimeError(f"{result['bytes']} bytes came over of {expected_bytes}")
    gigabytes = expected_bytes / GB
    values = {
        "rate": gigabytes / result["seconds"],
        "cpu_per_gb": result["cpu"] / gigabytes,
        "client_cpu_per_gb": result["client_cpu"] / gigabytes,
        "peak": result["peak"] / MIB,
    }
    sessions = result["session_seconds"]
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


def tidy(server):
    """Of large files."""
    for entry in server.home.iterdir():
        if entry.is_file():
            entry.unlink()


def _warm_memory(folder, size):
    """A virtual machine gives free memory back to its host after seconds, and whoever takes it next pays for that, more
    than for the copy: so there is some at hand for each server, not for those that come after another."""
    make_file(folder / "warm", size)
    (folder / "warm").unlink()


def _expect_sizes(paths, size, count):
    """What arrived is what was sent, as far as sizes tell."""
    sizes = [path.stat().st_size for path in paths]
    if sizes != [size] * count:
        wrong = [found for found in sizes if found != size]
        raise RuntimeError(f"{len(sizes)} files arrived of {count}; of another size than {size}: {wrong[:3]}")


def put(server, sizes, sessions, files=1):
    count = sessions * files
    size = sizes.file_bytes // count
    _warm_memory(server.folder_of_files, sizes.file_bytes + sizes.file_bytes // 2)
    try:
        if isinstance(server, Limit):
            result = server.measure("put", sessions, files, size)
        else:
            result = once(server, "put", sessions=sessions, files=files, bytes=size, prefix="up")
        _expect_sizes([path for path in server.home.iterdir() if path.name.startswith("up")], size, count)
        return _moved(result, size * count)
    finally:
        tidy(server)


def get(server, sizes, sessions, files=1):
    """The files are made once and stay for all rounds: read before, and written to disk long ago."""
    count = sessions * files
    size = sizes.file_bytes // count
    by_connection = isinstance(server, Limit)
    names = itertools.product(range(count), range(1)) if by_connection else itertools.product(range(sessions), range(files))
    for session, file in names:
        path = server.home / f"down{session}-{file}"
        if not path.exists() or path.stat().st_size != size:
            make_file(path, size, server.owner)
    os.sync()
    if by_connection:
        return _moved(server.measure("get", sessions, files, size), size * count)
    return _moved(once(server, "get", sessions=sessions, files=files, bytes=size, prefix="down"), size * count)


def _serving(server):
    return server.serving() if isinstance(server, Limit) else contextlib.nullcontext()


def put_small(server, sizes, sessions):
    directory = _fresh_directory(server)
    files = sizes.files // sessions
    with _serving(server):
        result = once(server, "put", sessions=sessions, files=files, bytes=sizes.small_bytes, prefix=f"{directory}/s")
    _expect_sizes((server.home / directory).iterdir(), sizes.small_bytes, sessions * files)
    return _filed(result)


def get_small(server, sizes, sessions):
    prefix = _fresh_directory(server) + "/s"
    files = sizes.files // sessions
    for session, file in itertools.product(range(sessions), range(files)):
        make_file(server.home / f"{prefix}{session}-{file}", sizes.small_bytes, server.owner)
    os.sync()
    with _serving(server):
        result = once(server, "get", sessions=sessions, files=files, bytes=sizes.small_bytes, prefix=prefix)
    _moved(result, sessions * files * sizes.small_bytes)
    return _filed(result)


def by_client(server, sizes, client, verb, parallel):
    remote = _fresh_directory(server)
    files = sizes.curl_files if client == "curl" else sizes.client_files
    return _filed(move_small(server, client, verb, remote, files, sizes.small_bytes, parallel))


def _archive(folder, sizes):
    """Made once for all who unpack it."""
    archive = folder / f"{sizes.unpacked_files}.tar"
    if archive.exists():
        return archive
    content = os.urandom(sizes.small_bytes)
    with tarfile.open(archive, "w") as tar:
        for number in range(sizes.unpacked_files):
            member = tarfile.TarInfo(f"{number // 1000}/file-{number:06}.bin")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    os.sync()
    return archive


def unpack(server, sizes):
    archive = _archive(server.folder_of_files.parent, sizes)
    name = _fresh_directory(server) + "/files.tar"
    result = once(server, "unpack", file=archive, name=name)
    (server.home / name).unlink()
    _expect_sizes((server.home / f"{name}.d").rglob("*.bin"), sizes.small_bytes, sizes.unpacked_files)
    return _filed({**result, "files": sizes.unpacked_files})
