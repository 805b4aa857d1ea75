"""The kernel's NFS server in a guest without systemd, started in the order that nfs-utils' units have."""

import contextlib
import pathlib
import subprocess
import time

PROC = pathlib.Path("/proc/fs/nfsd")
ETAB = pathlib.Path("/var/lib/nfs/etab")
_LEASE_SECONDS = 10  # so that a grace period is one, too


def run(*words, check=True, **options):
    """A program's output; its words with the error, if it fails."""
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def start(versions=("3", "4.2"), threads=4):
    run("modprobe", "-a", "nfsd", "nfs", "nfsv3", "nfsv4")
    _mount("nfsd", PROC)
    _mount("rpc_pipefs", pathlib.Path("/run/rpc_pipefs"))
    _mount("rpc_pipefs", pathlib.Path("/var/lib/nfs/rpc_pipefs"))
    run("rpcbind")
    run("rpc.statd", "--no-notify")
    run("nfsdcld")  # before nfsd, or it keeps clients waiting for a whole grace period
    run("exportfs", "-ra", check=False)
    serve(versions, threads)
    run("rpc.mountd", "--manage-gids")


def serve(versions=("3", "4.2"), threads=4):
    """Starts the threads; stop() ends them, and with them all state of the clients."""
    for name in ("nfsv4leasetime", "nfsv4gracetime"):
        (PROC / name).write_text(f"{_LEASE_SECONDS}\n", encoding="ascii")
    words = ["rpc.nfsd"]
    for version in ("3", "4.2"):
        words += ["-V" if version in versions else "-N", version]
    run(*words, str(threads))


def stop():
    run("rpc.nfsd", "0")


def end_grace():
    """Nobody who could reclaim anything is left."""
    pathlib.Path("/proc/fs/lockd/nlm_end_grace").write_text("Y", encoding="ascii")
    with contextlib.suppress(OSError):  # EBUSY: it has ended by itself, nobody being recorded
        (PROC / "v4_end_grace").write_text("Y", encoding="ascii")


def _mount(kind, target):
    target.mkdir(parents=True, exist_ok=True)
    if kind not in [line.split()[2] for line in _mounts() if line.split()[1] == str(target)]:
        run("mount", "-t", kind, kind, str(target))


def _mounts():
    return pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()


def etab():
    """{(path, client): set of options}"""
    found = {}
    for line in ETAB.read_text(encoding="utf-8").splitlines():
        path, rest = line.split("\t")
        client, options = rest.rstrip(")").split("(")
        found[path, client] = set(options.split(","))
    return found


def wait_until(condition, seconds=20, what="the condition"):
    """For what has no event of its own. Looking takes no more than a fourth of the guest's time, which it has to make
    the condition true."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if value := condition():
            return value
        looked = time.monotonic()
        if looked > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(max(0.1, 3 * (looked - began)))
