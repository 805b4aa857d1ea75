"""What grows with the number of labs, and what one costs: of stowage alone, the peers have none."""

import os
import pathlib
import statistics
import time
import types

from load import once
from proc_tree import tree_pss_bytes
from sessions import logged_in, make_directory
from site_of_servers import put_cheap_hash
from stowage_rig import wait_until, write_site

MIB = 1 << 20
LOGINS_AFTER_THE_FIRST = 5
LOGINS_FACTOR = 5  # five times as many as in other scenarios: a tenth has to be seen
SETTLING_SECONDS, RESTING_SECONDS = 120, 0.5


def _workers(server):
    """Their pids."""
    found = set()
    for pid in server.group.pids():
        comm = pathlib.Path("/proc", str(pid), "comm")
        if comm.exists() and comm.read_text(encoding="utf-8").strip() == "stowage-worker":
            found.add(pid)
    return found


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
        "worker_memory": tree_pss_bytes([worker]) / MIB,
    }


def _make_many(server, count):
    """So many, with a user each: many0000, many0001, … with the server's password. Without a limit, as the lab
    alone: one costs a process at some logins."""
    gateway, labs_root = server.gateway, server.home.parent
    names = [f"many{number:04}" for number in range(count)]
    there = {found["name"] for found in gateway.answer("lab", "list")["labs"]}
    missing = [name for name in names if name not in there]
    if not missing:
        return
    site = write_site(
        labs_root.parent / "many-labs.yaml",
        [{"name": name, "quota": "none"} for name in missing],
        [{"name": name, "lab": name} for name in missing],
    )
    gateway.command("apply", str(site), "--secrets-file", str(labs_root.parent / f"secrets-{time.monotonic_ns()}"))
    for name in missing:
        put_cheap_hash(gateway.state_dir / "ftps.passwd", server.password, name)
        empty = labs_root / name / "empty"
        empty.mkdir()
        os.chown(empty, empty.parent.stat().st_uid, empty.parent.stat().st_gid)
    # Their workers start here, uncounted.
    once(_many(server), "login", sessions=count, parallel=2, users=count)
    _wait_until_settled(server)


def _wait_until_settled(server):
    """What follows the making of labs, such as the checks of their shares, would fall into the first round. It has no
    event of its own: every lab is ready, and the gateway takes no CPU to speak of any more."""
    labs_of = lambda: server.gateway.answer("lab", "list")["labs"]  # noqa: E731
    wait_until(lambda: all(lab["state"] == "ready" for lab in labs_of()), SETTLING_SECONDS, "ready: each lab's state")
    before = [server.group.cpu_seconds()]

    def rests():
        time.sleep(RESTING_SECONDS)
        spent, before[0] = server.group.cpu_seconds() - before[0], server.group.cpu_seconds()
        return spent < RESTING_SECONDS / 50

    wait_until(rests, SETTLING_SECONDS, "a gateway at rest")


def _many(server):
    return types.SimpleNamespace(
        name=server.name, port=server.port, user="many", password=server.password, group=server.group
    )


def login_to_one(server, sizes):
    make_directory(server.home, server.owner, "empty", 1)
    return logged_in(once(server, "login", sessions=sizes.logins * LOGINS_FACTOR, parallel=1))


def login_to_one_of_many(server, sizes):
    _make_many(server, sizes.labs)
    return login_to_one(server, sizes)


def login_to_all(server, sizes):
    """Each login is to another lab than the one before; their workers are there."""
    _make_many(server, sizes.labs)
    count = max(sizes.logins * LOGINS_FACTOR, sizes.labs)
    return logged_in(once(_many(server), "login", sessions=count, parallel=1, users=sizes.labs))
