"""What a group of processes has cost: by cgroup (v1 or v2) where one can be made, else by summing up the process
tree."""

import contextlib
import os
import pathlib
import signal
import threading
import time

from proc_tree import tree_cpu_seconds, tree_pids, tree_pss_bytes

_ROOT = pathlib.Path("/sys/fs/cgroup")
_SAMPLE_SECONDS = 0.05


class Group:
    """`with group.around():` starts children inside it. cpu_seconds() counts those that have ended too."""

    def __init__(self, name):
        name = f"stowage-bench-{os.getpid()}-{name}"
        self.folders, self.kind, self.root_pids = [], "process tree", []
        if (_ROOT / "cgroup.controllers").exists():
            self._make("cgroup v2", [_ROOT / name])
        elif (_ROOT / "cpuacct").exists():
            self._make("cgroup v1", [_ROOT / "cpuacct" / name, _ROOT / "memory" / name])

    def _make(self, kind, folders):
        try:
            for folder in folders:
                folder.mkdir()
                self.folders.append(folder)
            self.kind = kind
        except OSError:
            self.remove()

    @contextlib.contextmanager
    def around(self):
        """What the calling process starts meanwhile belongs to the group."""
        before = set(tree_pids(os.getpid()))
        self._move(self.folders)
        try:
            yield
        finally:
            self._move([folder.parent for folder in self.folders])
            if not self.folders:
                self.root_pids = [pid for pid in tree_pids(os.getpid()) if pid not in before]

    @staticmethod
    def _move(folders):
        for folder in folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def pids(self):
        if self.folders:
            return [int(pid) for pid in (self.folders[0] / "cgroup.procs").read_text(encoding="ascii").split()]
        return sorted({pid for root in self.root_pids for pid in [root, *tree_pids(root)]})

    def cpu_seconds(self):
        if self.kind == "cgroup v1":
            return int((self.folders[0] / "cpuacct.usage").read_text(encoding="ascii")) / 1e9
        if self.kind == "cgroup v2":
            return self._field(self.folders[0] / "cpu.stat", "usage_usec") / 1e6
        return tree_cpu_seconds(self.pids())

    def anonymous_bytes(self):
        """Memory that is no file's; shared pages once."""
        if self.kind == "cgroup v1":
            return self._field(self.folders[1] / "memory.stat", "rss")
        if self.kind == "cgroup v2" and (self.folders[0] / "memory.stat").exists():
            return self._field(self.folders[0] / "memory.stat", "anon")
        return self.pss_bytes()

    def pss_bytes(self):
        return tree_pss_bytes(self.pids())

    @staticmethod
    def _field(path, name):
        for line in path.read_text(encoding="ascii").splitlines():
            key, value = line.split()
            if key == name:
                return int(value)
        return 0

    def remove(self):
        """With what is left of the group's processes: some servers leave those of their clients behind."""
        _empty(self.folders)
        self.folders = []


def sweep_after_the_killed():
    """Groups, and the processes in them, of runs that were killed."""
    for folder in [*_ROOT.glob("stowage-bench-*"), *_ROOT.glob("*/stowage-bench-*")]:
        if not pathlib.Path("/proc", folder.name.split("-")[2]).exists():
            _empty([folder])


def _empty(folders):
    deadline = time.monotonic() + 10
    while folders and time.monotonic() < deadline:
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):  # another run of the bench sweeps too
                for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
            with contextlib.suppress(OSError):
                folder.rmdir()
        folders = [folder for folder in folders if folder.exists()]
        time.sleep(0.02)


class Peak:
    """`with Peak(group) as peak:` … peak.bytes: the most anonymous memory that was seen."""

    def __init__(self, group):
        self.group, self.bytes = group, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._over.wait(_SAMPLE_SECONDS):
            with contextlib.suppress(OSError):
                self.bytes = max(self.bytes, self.group.anonymous_bytes())

    def __enter__(self):
        self.bytes = self.group.anonymous_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
