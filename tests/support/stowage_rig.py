"""A whole gateway for system tests: real processes, free ports, a btrfs image (or not), its own PAM service, the
Run:ai stand-in. What the tour (deploy/tour) does for a person, this does for a test.

Leaving the rig proves that nothing stays: no process, no mount, no loop device, no file.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import stat
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("STOWAGE_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BINARIES = pathlib.Path(os.environ.get("STOWAGE_BIN", SOURCE / "build" / "dev" / "bin"))
sys.path.insert(0, str(SOURCE / "deploy"))

# pylint: disable=wrong-import-position
from ftps_client import FtpsClient  # noqa: E402
from tour import journal, machine, mounts, nfs_reader, processes  # noqa: E402
from tour.gateway import Gateway  # noqa: E402
from tour.stand_in import StandIn  # noqa: E402
from tour.story import Failed  # noqa: E402

SLOWNESS = int(os.environ.get("STOWAGE_SLOWNESS", "1"))  # under the sanitizers
SKIPPED = 77
NOT_CONVERGED = 3
_PREFIX = "stowage-test-"
_PR_SET_CHILD_SUBREAPER = 36
FAST = {
    "nfs.ganesha_graceless": "true",  # restarted often here, and nobody holds locks
    "ftps.failed_login_time": "0s",
    "ftps.max_login_delay": "0s",
    "drain_timeout": "5s",
    "log_level": "debug",
}


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def need_root():
    if os.geteuid() != 0:
        skip("needs root: it starts processes under several ids and mounts filesystems")


def run_tests():
    """unittest.main() with CTest's notion of skipping: 77 when every test was skipped."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped and len(result.skipped) == result.testsRun else 0)


def wait_until(condition, seconds=20, what="the condition"):
    """For what has no event of its own. Returns the condition's true value."""
    seconds *= SLOWNESS
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.02)


class Rig:
    """`with Rig() as rig:` gives a running gateway. labs: "btrfs" (skips the test where no loop device is to be had)
    or "plain"; departments: those the stand-in knows; settings: configuration keys; start: False leaves the start to
    the test; runai: more arguments of the stand-in."""

    def __init__(self, labs="btrfs", departments=("lab1", "lab2"), settings=None, start=True, size="3GiB", runai=()):
        need_root()
        self.kind, self.departments, self.size, self.starts = labs, list(departments), size, start
        self.runai = list(runai)
        self.extra = settings or {}
        self.patience = journal.Patience()
        self.clients = []

    def __enter__(self):
        adopt_orphans()
        sweep_after_the_killed()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.folder.chmod(0o755)
        self.journal = journal.Journal(self.folder / "journal")
        self.journal.record("owner", pid=os.getpid(), started=processes.start_time(os.getpid()))
        try:
            self._prepare()
            if self.starts:
                self.gateway.start()
        except BaseException:
            self._leave(failed=True)
            raise
        return self

    def _prepare(self):
        self.labs = self.folder / "mnt" / "nfs"
        self.labs.mkdir(parents=True)
        if self.kind == "btrfs":
            self._mount_labs()
        self.ports = machine.PortBlock()
        self.stand_in = StandIn(
            self.folder, BINARIES, self.departments, self.ports.runai, self.journal, self.runai
        )
        self.gateway = self.another_gateway(self.folder)

    def another_gateway(self, folder):
        """Configured, not started."""
        gateway = Gateway(folder, BINARIES, self.journal)
        gateway.use_ports(self.ports)
        gateway.settings |= {"labs.root": self.labs, "nfs.address": "127.0.0.1", **FAST, **self.stand_in.settings()}
        if self.kind == "plain":
            gateway.settings["labs.quota_backend"] = "none"
        gateway.settings |= self.extra
        return gateway

    def _mount_labs(self):
        image = self.folder / "labs.img"
        try:
            with open(image, "x", opener=journal.private):
                mounts.run("truncate", "-s", self.size.replace("iB", ""), str(image))
            mounts.run("mkfs.btrfs", "-q", str(image))
            self.journal.record("mount", path=str(self.labs))
            mounts.mount_image(image, self.labs)
        except OSError as problem:
            self.journal.close()
            shutil.rmtree(self.folder)
            skip(f"no btrfs image on a loop device here: {problem}")
        self.labs.chmod(0o755)

    def __exit__(self, kind, problem, trace):
        self._leave(failed=kind is not None)

    def _leave(self, failed):
        if failed and hasattr(self, "gateway"):
            print("--- the gateway's last words", *self.gateway.log_tail(60), sep="\n", file=sys.stderr)
        for client in self.clients:
            client.drop()
        with contextlib.suppress(AttributeError):
            code = self.gateway.stop()
            if code is not None and not failed:
                assert code == 0, f"the gateway ended with {code}"
            self.stand_in.stop()
            self.ports.release()
        self.journal.close()
        problems = journal.undo(journal.read(self.folder / "journal"), self.patience)
        left = living_orphans()
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        mounted = mounts.targets_below(self.folder)
        if not mounted:
            shutil.rmtree(self.folder)
        if not failed:
            assert not problems, problems
            assert not left, f"processes stayed: {left}"
            assert not mounted, f"mounts stayed: {mounted}"

    # --- what tests do -----------------------------------------------------------------------------------------

    def create_lab(self, name, quota="1GiB", *more):
        self.gateway.command("lab", "create", name, "--quota", quota, *more)
        return self.gateway.answer("lab", "show", name)

    def add_user(self, name, lab):
        """Returns the generated password."""
        return self.gateway.answer("user", "add", name, "--lab", lab)["password"]

    def login(self, user, password, **options):
        """A logged-in FtpsClient with PROT P; closed with the rig."""
        client = FtpsClient(self.ports, self.gateway.certificate, **options)
        self.clients.append(client)
        client.login(user, password)
        client.prot_p()
        return client

    def processes(self):
        """What `stowage status` knows: {name or "worker LAB": {pid, restarts, …}}."""
        found = {}
        code, output = self.run("--json", "status")
        if code not in (0, NOT_CONVERGED):  # a process that is down, or a lab that is not ready
            raise Failed(f"`stowage status` ended with {code}", "", output.splitlines())
        for process in json.loads(output)["processes"]:
            lab = process.get("lab")
            found[f"{process['process']} {lab}" if lab else process["process"]] = process
        return found

    def run(self, *words, timeout=300):
        """`stowage WORDS` that may fail: (exit code, output)."""
        child = processes.Child(
            "stowage",
            [str(BINARIES / "stowage"), "--socket", str(self.gateway.control_socket), *words],
            stdout=-1,
            stderr=-2,
            text=True,
        )
        output = child.popen.communicate(timeout=timeout)[0]
        return child.popen.returncode, output

    def share(self, lab):
        return nfs_reader.url("127.0.0.1", self.ports.nfs, str(self.labs / lab))

    def stand_in_log(self):
        """Requests that the stand-in got: {"requests": […], "counts": {…}, "writes": n}."""
        return self.stand_in.call("GET", "/_stand_in/requests")


def sweep_after_the_killed():
    """A test that took too long was killed by CTest and could not clean up: its journal tells what to undo."""
    for path in pathlib.Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/journal"):
        with contextlib.suppress(OSError, KeyError):
            if not _is_roots(path.parent) or not _is_roots(path):
                continue
            entries = journal.read(path)
            owner = next((entry for entry in entries if entry["kind"] == "owner"), None)
            if owner and processes.start_time(owner["pid"]) != owner["started"]:
                journal.undo(entries, journal.Patience())
                mounts.remove_tree(path.parent)


def _is_roots(path):
    """Others have folders in /tmp as well, and may write journals in theirs."""
    seen = os.lstat(path)
    return seen.st_uid == 0 and not seen.st_mode & 0o022 and not stat.S_ISLNK(seen.st_mode)


def adopt_orphans():
    """From now on descendants that lose their parent become our children, and are seen."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def living_orphans(known=()):
    """Our children that are not among the known pids, dead ones reaped."""
    for pid in children_of(os.getpid()):
        if pid not in known:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return [pid for pid in children_of(os.getpid()) if pid not in known]


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found.append(child)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += descendants_of(child)
    return found


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def write_site(path, labs, users=()):
    """A site.yaml (YAML is a superset of JSON)."""
    path.write_text(json.dumps({"labs": list(labs), "users": list(users)}), encoding="utf-8")
    return path


__all__ = [
    "SLOWNESS",
    "BINARIES",
    "SOURCE",
    "Failed",
    "FtpsClient",
    "Gateway",
    "Rig",
    "adopt_orphans",
    "children_of",
    "descendants_of",
    "kill",
    "living_orphans",
    "mounts",
    "need_root",
    "nfs_reader",
    "run_tests",
    "skip",
    "wait_until",
    "write_site",
]
