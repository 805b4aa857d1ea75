"""The servers of one run, stowage's among them: one certificate, one user, one password file, one filesystem."""

import contextlib
import ctypes
import os
import random

from accounting import Group, sweep_after_the_killed
from own_network import own_network
from packages import Packages
from peers import PEERS as _PEERS
from stowage_rig import Rig
from tour import machine

USER = "bench"
FIRST_PASSIVE, PORTS_EACH = 10000, 1000  # below Linux's ephemeral ports
_NO_LIMITS = {
    "ftps.max_sessions": "100000",
    "ftps.max_sessions_per_address": "100000",
    "ftps.max_logins_per_address": "10000",
    "ftps.max_sessions_per_user": "100000",
    "ftps.max_sessions_per_lab": "100000",
    "log_level": "info",
    "runai.url": "",
    "reconcile_interval": "1d",
    "ftps.listen": "127.0.0.1",
}


def free_ports(count):
    """The first of so many in a row, ten for each server."""
    firsts = list(range(16000, 20000 - 10 * count, 10))
    random.shuffle(firsts)
    for first in firsts:
        if all(machine.is_free(first + 10 * index + more) for index in range(count) for more in (0, 1)):
            return first
    raise OSError("no free ports between 16000 and 20000")


def put_cheap_hash(password_file, password, user=USER):
    """yescrypt, which stowage uses, takes 18 ms of CPU at each login, of whichever server: that would hide what the
    servers cost themselves. SHA-256-crypt with the fewest rounds takes 0.4 ms."""
    libcrypt = ctypes.CDLL("libcrypt.so.1")
    libcrypt.crypt.restype = ctypes.c_char_p
    hashed = libcrypt.crypt(password.encode(), b"$5$rounds=1000$stowagebench").decode()
    lines = password_file.read_text(encoding="ascii").splitlines()
    others = [line for line in lines if not line.startswith(f"{user}:")]
    password_file.write_text("\n".join([*others, f"{user}:{hashed}"]) + "\n", encoding="ascii")


class Stowage:
    """A whole gateway. `settings` are configuration keys beside the defaults."""

    processes_stay = True

    def __init__(self, rig, name, port, passive_from, settings):
        self.name, self.port = name, port
        folder = rig.folder / f"gateway-{port}"
        labs = folder / "labs"
        labs.mkdir(parents=True)
        folder.chmod(0o755)
        labs.chmod(0o755)
        self.gateway = rig.another_gateway(folder)
        self.gateway.settings |= {
            **_NO_LIMITS,
            "labs.root": labs,
            "ftps.port": port,
            "ftps.implicit_port": 0,
            "ftps.passive_ports": f"{passive_from}-{passive_from + PORTS_EACH - 1}",
            "nfs.port": port + 1,
            **settings,
        }
        self.folder_of_files = folder
        self.user, self.password, self.home, self.owner = USER, "", labs / USER, None
        self.group = Group(f"stowage-{port}")

    def start(self):
        with self.group.around():
            self.gateway.start()
        # Without a limit, as the peers are: where no filesystem counts, a worker walks through a lab that has one, once a
        # minute, and that of a million files fell into one run or another.
        self.gateway.command("lab", "create", USER, "--quota", "none")
        self.password = self.gateway.answer("user", "add", USER, "--lab", USER)["password"]
        put_cheap_hash(self.gateway.state_dir / "ftps.passwd", self.password)
        seen = os.stat(self.home)
        self.owner = (seen.st_uid, seen.st_gid)

    def stop(self):
        self.gateway.stop()
        self.group.remove()


# Of stowage's configuration: the default, and what comes nearer to what the peers do.
VARIANTS = {
    "stowage": {},
    "stowage, no hash": {"ftps.upload_hash": "none"},
    "stowage, not durable": {"ftps.upload_hash": "none", "ftps.durability": "none"},
}
PEERS = {kind.name: kind for kind in _PEERS}


class Site:
    """Starts what `names` names, in that order. The first is a stowage: it makes certificate, user and password file,
    which the peers use too."""

    def __init__(self, names, cache):
        self.names, self.packages = names, Packages(cache)
        self.rig = Rig(labs="plain", start=False)
        self.servers, self.folder, self.leaving = [], None, None
        self.certificate = self.private_key = self.password_file = None
        self.user, self.password, self.peer_owner = USER, "", (699500, 699500)

    def __enter__(self):
        if any(name in PEERS for name in self.names):
            self.packages.fetch()
        sweep_after_the_killed()
        with contextlib.ExitStack() as leaving:
            leaving.enter_context(own_network())
            leaving.enter_context(self.rig)
            self.folder = self.rig.folder
            first = free_ports(len(self.names))
            for index, name in enumerate(self.names):
                self._start(name, first + 10 * index, FIRST_PASSIVE + PORTS_EACH * index, leaving)
            self.leaving = leaving.pop_all()
        return self

    def _start(self, name, port, passive_from, leaving):
        if name in VARIANTS:
            server = Stowage(self.rig, name, port, passive_from, VARIANTS[name])
        else:
            server = PEERS[name](self, self.packages, port, (passive_from, passive_from + PORTS_EACH - 1))
        self.servers.append(server)
        leaving.callback(server.stop)
        server.start()
        if self.certificate is None:
            state = server.gateway.state_dir
            self.certificate = server.gateway.certificate
            self.private_key = next((state / "tls").glob("*key*"))
            self.password_file, self.password = state / "ftps.passwd", server.password

    def versions(self):
        return self.packages.versions()

    def __exit__(self, *problem):
        self.leaving.__exit__(*problem)
