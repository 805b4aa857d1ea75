"""NFS-Ganesha as a child of the installed, hardened service: what the unit forbids is nothing that it, its bus or its
return after a crash need. The guest has no address but loopback's, and serves by the defaults all the same."""

import contextlib
import json
import os
import pathlib
import signal

from kernel_nfsd import run, wait_until

TIMEOUT = 600
BOOT = "systemd"
DISKS = {"labs": "1G"}
FILES = ("packages/first.deb",)

PACKAGE = pathlib.Path(os.environ["STOWAGE_SOURCE"]) / "packages/first.deb"
CONFIG = pathlib.Path("/etc/stowage/stowage.yaml")
GROUP = pathlib.Path("/sys/fs/cgroup/system.slice/stowage.service")
PATIENCE = 300


def journal():
    return run("journalctl", "-u", "stowage", "-n", "60", "--no-pager", check=False)


def pid_of_ganesha():
    for pid in (GROUP / "cgroup.procs").read_text(encoding="ascii").split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "ganesha.nfsd\n":
                return int(pid)
    return 0


run("systemctl", "stop", "nfs-server", "nfs-ganesha")
run("mkfs.xfs", "-q", "/dev/disk/stowage/labs")
pathlib.Path("/mnt/nfs").mkdir(parents=True)
run("mount", "-o", "prjquota", "/dev/disk/stowage/labs", "/mnt/nfs")
run("dpkg", "-i", str(PACKAGE))
CONFIG.write_text(CONFIG.read_text() + "\nnfs: {server: ganesha, address: 127.0.0.1}\n", encoding="utf-8")
try:
    run("systemctl", "start", "stowage")
    # Its last step mounts the lab, writes and reads.
    print(run("stowage", "lab", "create", "lab1", "--quota", "64MiB"), flush=True)
    target = pathlib.Path("/run/pod")
    target.mkdir()
    run("mount", "-t", "nfs", "-o", "vers=4.2", "127.0.0.1:/mnt/nfs/lab1", str(target))
    (target / "by-a-pod").write_text("written", encoding="ascii")
    shown = json.loads(run("stowage", "--json", "lab", "show", "lab1").splitlines()[-1])
    written = os.stat("/mnt/nfs/lab1/by-a-pod")
    assert written.st_uid == shown["uid"], (written, shown)
    before = pid_of_ganesha()
    assert before, "Ganesha is in another control group"
    assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{before}/status").read_text(encoding="ascii"), "not the unit's child"
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of_ganesha() not in (0, before), PATIENCE, "another Ganesha")
    assert (target / "by-a-pod").read_text(encoding="ascii") == "written"
    run("umount", str(target))
    run("systemctl", "stop", "stowage")
    assert not run("pgrep", "ganesha.nfsd", check=False), "Ganesha outlives the service"
except AssertionError as failure:
    raise AssertionError(f"{failure}\n{journal()}") from None
