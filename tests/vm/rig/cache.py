"""The built guests, one folder per state of their inputs, outside the tree and shared by all trees."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

from rig import boot_files, guest_tree, host

_KEPT = 3  # guests of other inputs: other trees may use them
_MADE_OF = ("rig/guest_tree.py", "rig/boot_files.py", "guest/initramfs_init", "guest/plain_init", "guest/start")
_MADE_OF += ("guest/finish", "guest/stowage-vm.service", "guest/stowage-vm.target")


def folder():
    return pathlib.Path(os.environ.get("STOWAGE_VM_CACHE", "/var/cache/stowage-vm"))


def _key():
    digest = hashlib.sha256("\n".join(guest_tree.guest_packages()).encode())
    for name in _MADE_OF:
        digest.update((guest_tree.SOURCE / "tests/vm" / name).read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def guest():
    """Gives the folder with vmlinux, initrd.cpio and root.img, which nobody removes meanwhile. Two that want to build
    the same wait for each other; one that is killed leaves nothing that looks finished."""
    folder().mkdir(parents=True, exist_ok=True)
    made = folder() / f"guest-{_key()}"
    while True:
        if not made.exists():
            with _locked(folder() / "build.lock", fcntl.LOCK_EX):
                if not made.exists():
                    _build(made)
        with contextlib.suppress(FileNotFoundError), _locked(made / "in-use", fcntl.LOCK_SH):
            if made.exists():  # and not removed while we waited for the lock
                os.utime(made)
                yield made
                return


@contextlib.contextmanager
def _locked(path, how):
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, how)
        yield


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
