"""What is measured, and who takes part. QUANTITIES says which way is better."""

import dataclasses
import functools
import typing

import labs
import sessions
import transfers
from site_of_servers import PEERS as _PEERS
from site_of_servers import VARIANTS

# Quantity: (unit, is more better; None: neither, it is compared with nobody)
QUANTITIES = {
    "rate": ("GB/s", True),
    "cpu_per_gb": ("CPU s/GB", False),
    "client_cpu_per_gb": ("CPU s/GB of the client", None),
    "fairness": ("slowest / mean rate", True),
    "files_per_second": ("files/s", True),
    "cpu_per_file": ("CPU ms/file", False),
    "logins_per_second": ("logins/s", True),
    "cpu_per_login": ("CPU ms/login", False),
    "memory_per_session": ("KiB PSS/session", False),
    "sessions": ("sessions held", None),
    "lab_seconds": ("s/lab", False),
    "worker_start": ("ms more at the first login", False),
    "worker_memory": ("MiB PSS of an idle worker", False),
    "entries_per_second": ("entries/s", True),
    "cpu_per_entry": ("CPU µs/entry", False),
    "first_byte": ("ms to the first byte", False),
    "peak": ("MiB peak", False),
}
PEERS = tuple(_PEERS)
_ONE, _DURABLE, _ALL = ("stowage",), ("stowage", "stowage, not durable"), tuple(VARIANTS)
_NOT_DURABLE = ("stowage, not durable",)
# They differ in uploads only, and neither has had the idle sessions, which leave holes in the front's heap.
WITH_MANY_LABS, WITHOUT_MANY_LABS = "stowage, not durable", "stowage, no hash"
_BEST = ("Pure-FTPd",)  # of the peers, at large files: with the others a run would take minutes more


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    run: typing.Callable  # (server, options) -> {quantity: value}
    variants: tuple = _ONE  # those of stowage that differ here
    peers: tuple = PEERS
    limit: bool = False
    durable_limit: bool = False  # one with an fsync(2) a file
    rounds: int = 5  # unless --rounds says how many
    least_rounds: int = 3  # however late it is: the median of fewer may be the one that something fell into
    warms_up: bool = True
    together: str = ""  # those of one word take turns round by round: what is compared is of the same minutes
    needs_variant: bool = False  # where none of `variants` takes part in the run, this is not measured


def _large(title, function, variants, peers=PEERS, **extra):
    run = functools.partial(function, **extra)
    return Scenario(title, run, variants, peers, limit=True)


def _growth(title, function, variants, together, **extra):
    """A ratio of two figures varies more than each of them: the median of three is anything from 0.8 to 1.4."""
    run = functools.partial(function, **extra)
    return Scenario(title, run, variants, _BEST, limit=True, together=together, rounds=9, least_rounds=9)


put, get = transfers.put, transfers.get
put_small, get_small = transfers.put_small, transfers.get_small


def _small(title, function, variants, **extra):
    run = functools.partial(function, **extra)
    return Scenario(title, run, variants, limit=True, durable_limit=function is put_small)


def _by(client, verb, parallel=1):
    words = f"small files {'up' if verb == 'put' else 'down'}, {client}" + (f", {parallel} at once" if parallel > 1 else "")
    run = functools.partial(transfers.by_client, client=client, verb=verb, parallel=parallel)
    # vsftpd resumes a session once and sends the next on the data connection, where curl reads nothing amid an upload.
    peers = [name for name in PEERS if (client, verb, name) != ("curl", "put", "vsftpd")]
    rounds = 3 if client == "curl" else 5  # it sleeps for 0.2 s amid most files
    return Scenario(words, run, _DURABLE if verb == "put" else _ONE, tuple(peers), rounds=rounds)


def _listing(title, peers=PEERS, **extra):
    return Scenario(title, functools.partial(sessions.listing, **extra), peers=peers, warms_up=False)


def _ours(title, function, **more):
    return Scenario(title, function, peers=(), warms_up=False, **more)


def _logins(words, function, variant):
    title = f"login to first listing, {words}"
    return _ours(title, function, variants=(variant,), needs_variant=True, together="logins", rounds=9, least_rounds=9)


SCENARIOS = {
    "put": _large("upload, one connection", put, _ALL, sessions=1),
    "get": _large("download, one connection", get, _ONE, sessions=1),
    "put8": _large("upload, 8 at once", put, _ALL, sessions=8),
    "get8": _large("download, 8 at once", get, _ONE, sessions=8),
    "put-small": _small("small files up, one connection", put_small, _DURABLE, sessions=1),
    "put-small8": _small("small files up, 8 at once", put_small, _DURABLE, sessions=8),
    "get-small": _small("small files down, one connection", get_small, _ONE, sessions=1),
    "get-small8": _small("small files down, 8 at once", get_small, _ONE, sessions=8),
    "unpack": Scenario("small files up as one tar, SITE UNPACK", transfers.unpack, _DURABLE, peers=()),
    "login": Scenario("login to first listing, one after another", functools.partial(sessions.login, parallel=1)),
    "login8": Scenario("login to first listing, 8 at once", functools.partial(sessions.login, parallel=8)),
    "list": _listing("LIST of a large directory", verb="LIST"),
    "mlsd": _listing("MLSD of a large directory", peers=("ProFTPD", "Pure-FTPd"), verb="MLSD"),  # vsftpd has none
    "mlsd-hundredth": _listing("MLSD of a hundredth of it, 100 times", peers=(), verb="MLSD", part=100),
    "mlsd-tenth": _listing("MLSD of a tenth of it, 10 times", peers=(), verb="MLSD", part=10),
    # 64 files of the same size each time: what grows is the number of sessions alone.
    "put64-by-1": _growth("64 files up, one connection", put, _NOT_DURABLE, "put64", sessions=1, files=64),
    "put64-by-8": _growth("64 files up, 8 at once", put, _NOT_DURABLE, "put64", sessions=8, files=8),
    "put64": _growth("64 files up, 64 at once", put, _NOT_DURABLE, "put64", sessions=64),
    "get64-by-1": _growth("64 files down, one connection", get, _ONE, "get64", sessions=1, files=64),
    "get64-by-8": _growth("64 files down, 8 at once", get, _ONE, "get64", sessions=8, files=8),
    "get64": _growth("64 files down, 64 at once", get, _ONE, "get64", sessions=64),
    "put-small-lftp": _by("lftp", "put"),
    "get-small-lftp": _by("lftp", "get"),
    "put-small8-lftp": _by("lftp", "put", parallel=8),
    "get-small8-lftp": _by("lftp", "get", parallel=8),
    "put-small-curl": _by("curl", "put"),
    "get-small-curl": _by("curl", "get"),
    "idle": Scenario("logged in and idle", sessions.idle, rounds=3, warms_up=False),
    # Ten thousand processes of a peer would take 6 to 20 GB.
    "idle10": _ours("logged in and idle, ten times as many", functools.partial(sessions.idle, times=10), rounds=3),
    "lab": _ours("a lab is made, and entered", labs.lab),
    # Last: so many labs are there from then on, but of the gateway that serves the first of these three.
    "login-alone": _logins("a lab alone", labs.login_to_one, WITHOUT_MANY_LABS),
    "login-labs": _logins("one lab among many", labs.login_to_one_of_many, WITH_MANY_LABS),
    "login-spread": _logins("each to another of many labs", labs.login_to_all, WITH_MANY_LABS),
}
