"""What grows with the number of labs, and what one costs: of stowage alone, the peers have none."""

import os
import pathlib
import statistics
import time
import types

from load import once
from site_of_servers import put_cheap_hash
from stowage_rig import write_site

MIB = 1 << 20
LOGINS_AFTER_THE_FIRST = 5


def _workers(server):
    """Their pids."""
    found = set()
    for pid in server.group.pids():
        comm = pathlib.Path("/proc", str(pid), "comm")
        if comm.exists() and comm.read_text(encoding="utf-8").strip() == "stowage-worker":
            found.add(pid)
    return found


def _pss_bytes(pid):
    for line in pathlib.Path("/proc", str(pid), "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no Pss")


def _seconds_of_login(server):
    return once(server, "login", sessions=1, parallel=1)["seconds"]


def lab(server, sizes):
    """One is made, and entered: the first login starts its worker, the next ones find it there."""
    del sizes
    gateway = server.gateway
    name = f"made-{time.monotonic_ns()}"
    began = time.monotonic()
    gateway.command("lab", "create", name, "--quota", "1GiB")
    made = time.monotonic() - began
    password = gateway.answer("user", "add", name, "--lab", name)["password"]
    put_cheap_hash(gateway.state_dir / "ftps.passwd", password, name)
    home = server.home.parent / name
    (home / "empty").mkdir()
    os.chown(home / "empty", home.stat().st_uid, home.stat().st_gid)
    member = types.SimpleNamespace(
        name=server.name, port=server.port, user=name, password=password, group=server.group
    )
    others = _workers(server)
    first = _seconds_of_login(member)
    (worker,) = _workers(server) - others
    later = statistics.median(_seconds_of_login(member) for _ in range(LOGINS_AFTER_THE_FIRST))
    return {
        "lab_seconds": made,
        "worker_start": max(0.0, first - later) * 1e3,
        "worker_memory": _pss_bytes(worker) / MIB,
    }


def make_many(server, count):
    """Until there are so many; those of before stay."""
    there = {lab["name"] for lab in server.gateway.answer("lab", "list")["labs"]}
    names = [f"many{number:04}" for number in range(max(0, count - len(there)))]
    if not names:
        return
    site = write_site(server.home.parent.parent / "many-labs.yaml", [{"name": name, "quota": "1GiB"} for name in names])
    server.gateway.command("apply", str(site))
