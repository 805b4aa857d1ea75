"""The built guests, one folder per state of their inputs, outside the tree and shared by all trees."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

from rig import boot_files, guest_tree, host

_KEPT = 3  # guests of other inputs: other trees may use them
_MADE_OF = ("rig/guest_tree.py", "rig/boot_files.py", "guest/initramfs_init", "guest/plain_init", "guest/start")
_MADE_OF += ("guest/finish", "guest/stowage-vm.service", "guest/stowage-vm.target")

# Debian's own, of which a new one wants to be tested.
_TESTED = ("linux-image-amd64", "nfs-kernel-server", "nfs-ganesha-vfs", "systemd")
_CANDIDATE = re.compile(r"^(\S+):\n(?:  .*\n)*?  Candidate: (\S+)", re.MULTILINE)


def folder():
    return pathlib.Path(os.environ.get("STOWAGE_VM_CACHE", "/var/cache/stowage-vm"))


def place():
    """Where the guest of these inputs is, or would be."""
    digest = hashlib.sha256("\n".join(guest_tree.guest_packages() + [_versions()]).encode())
    for name in _MADE_OF:
        digest.update((guest_tree.SOURCE / "tests/vm" / name).read_bytes())
    return folder() / f"guest-{digest.hexdigest()[:16]}"


def _versions():
    """What apt, whose sources the guest has, would install now of the programs that the tests are about. apt takes a
    second or two to tell, so it is asked once after each `apt-get update`."""
    lists = [os.stat(path) for path in sorted(pathlib.Path("/var/lib/apt/lists").glob("*Release"))]
    asked_of = " ".join(str(known.st_mtime_ns) for known in lists) + "\n"
    kept = folder() / "versions"
    told = kept.read_text(encoding="ascii") if kept.exists() else ""
    if not told.startswith(asked_of):
        policy = host.run("apt-cache", "policy", *_TESTED, env={**os.environ, "LC_ALL": "C"})
        told = asked_of + "\n".join(f"{name} {version}" for name, version in _CANDIDATE.findall(policy))
        with tempfile.NamedTemporaryFile("w", dir=folder(), encoding="ascii", delete=False) as file:
            file.write(told)
        os.rename(file.name, kept)
    return told.removeprefix(asked_of)


@contextlib.contextmanager
def guest():
    """Gives the folder with vmlinux, initrd.cpio and root.img, which nobody removes meanwhile. Two that want to build
    the same wait for each other; one that is killed leaves nothing that looks finished."""
    folder().mkdir(parents=True, exist_ok=True)
    made = place()
    while True:
        if not made.exists():
            with _locked(folder() / "build.lock", fcntl.LOCK_EX):
                if not made.exists():
                    _build(made)
        try:
            in_use = _locked(made / "in-use", fcntl.LOCK_SH)
        except FileNotFoundError:
            continue  # removed since we looked
        with in_use:
            if made.exists():  # and not removed while we waited for the lock
                os.utime(made)
                yield made
                return


def _locked(path, how):
    """The open file, which keeps the lock until it is closed."""
    file = open(path, "a", encoding="utf-8")  # pylint: disable=consider-using-with
    fcntl.flock(file, how)
    return file


def _build(made):
    started = time.monotonic()
    print("building the guest (once, about a minute) ...", file=sys.stderr, flush=True)
    for left in folder().glob("building-*"):  # we hold the lock: whoever made it is dead
        shutil.rmtree(left)
    work = pathlib.Path(tempfile.mkdtemp(prefix="building-", dir=folder()))
    work.chmod(0o755)
    try:
        with open(folder() / "build.log", "wb") as log:
            tree = work / "tree"
            guest_tree.make(tree, folder() / "archives", log)
            boot_files.make(tree, work, log)
            shutil.rmtree(tree)
        (work / "in-use").touch()
        work.rename(made)
    except host.Failed as problem:
        raise host.Failed(f"the guest could not be built; all of it in {folder() / 'build.log'}\n{problem}") from None
    finally:
        if work.exists():
            shutil.rmtree(work)
    print(f"guest built in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    _forget_old_ones(made)


def _forget_old_ones(newest):
    others = sorted(folder().glob("guest-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in others if path != newest][_KEPT:]:
        with open(old / "in-use", "a", encoding="utf-8") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old)
