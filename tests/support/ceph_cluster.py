"""A Ceph cluster of one machine, with a CephFS mounted by ceph-fuse: monitor, manager, one OSD on a sparse file and a
metadata server, on loopback ports of their own, without authentication. Everything lies in one folder and ends with
the `with`."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import uuid

PROGRAMS = ("ceph", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph-mds", "ceph-fuse", "monmaptool")
_OSD_BYTES = 4 << 30

_CONFIG = """\
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data = {folder}/mon
mgr_data = {folder}/mgr
osd_data = {folder}/osd
mds_data = {folder}/mds
run_dir = {folder}/run
log_file = {folder}/log/$name.log
crash_dir = {folder}/crash
pid_file =
bluestore_block_size = {osd_bytes}
osd_memory_target = 939524096
[client]
admin_socket = {folder}/run/$name.$pid.$cctid.asok
log_file = {folder}/log/client.$pid.log
"""


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class CephCluster:
    """`with CephCluster() as cluster:` mounts it at cluster.mounted."""

    def __init__(self, patience_seconds=90):
        self.patience = patience_seconds
        self.daemons = []

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-ceph-"))
        self.mounted = self.folder / "mounted"
        for name in ("mon", "mgr", "osd", "mds", "run", "log", "crash", "mounted"):
            (self.folder / name).mkdir()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.mounted], check=False, capture_output=True)
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        v1, v2 = _free_port(), _free_port()
        fsid = str(uuid.uuid4())
        self.config = self.folder / "ceph.conf"
        self.config.write_text(
            _CONFIG.format(fsid=fsid, v1=v1, v2=v2, folder=self.folder, osd_bytes=_OSD_BYTES), encoding="ascii"
        )
        monmap = self.folder / "monmap"
        addresses = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
        _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", addresses, monmap)
        self._tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._daemon("ceph-mon", "a")
        self._daemon("ceph-mgr", "x")
        osd = str(uuid.uuid4())
        self.ceph("osd", "new", osd)
        self._tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "0")
        for pool in ("meta", "data"):
            self.ceph("osd", "pool", "create", pool, "8")
        self.ceph("fs", "new", "labs", "meta", "data")
        self._daemon("ceph-mds", "a")
        self._wait(lambda: "up:active" in self.ceph("mds", "stat"), "the metadata server")
        self._daemon("ceph-fuse", None, str(self.mounted))
        self._wait(lambda: self.mounted.is_mount(), "the mount")

    def ceph(self, *words):
        """The answer of `ceph WORDS`."""
        return _run("ceph", "-c", self.config, "--connect-timeout", str(self.patience), *words, timeout=self.patience)

    def _tool(self, program, *words):
        _run(program, "-c", self.config, *words, timeout=self.patience)

    def _daemon(self, program, name, *words):
        named = ["-i", name] if name else []
        with open(self.folder / "log" / f"{program}.out", "ab") as out:
            self.daemons.append(
                subprocess.Popen([program, "-f", "-c", self.config, *named, *words], stdout=out, stderr=out)
            )

    def _wait(self, condition, what):
        deadline = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {self.patience} s")
            time.sleep(0.2)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _run(*words, timeout=60):
    done = subprocess.run(
        list(map(str, words)),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: {done.stdout.strip()[-500:]}")
    return done.stdout
