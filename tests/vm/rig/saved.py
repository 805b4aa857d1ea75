"""A guest that is up and waits for its test, saved once: a test goes on from there in a moment, where booting takes
seconds of emulation. The memory is a file that each test's QEMU copies from what it changes (share=off), so that
beginning costs what is touched, and guests that run side by side share the rest.

There is one for each way to boot. The plain one fits the guest's root disk, which it has mounted read-only; systemd has
written to it, so that one comes with a disk of its own. Both fit this QEMU and this machine's clock; where one of them is
another, they are made anew."""

import contextlib
import fcntl
import hashlib
import pathlib
import shutil
import tempfile

from rig import clock, disks, host, machine

MEMORY_MIB = 1536
_CLOCKS_DIFFER = 0.001  # what two measurements of one clock do not
_BOOT_SECONDS = 600
_ROOT = "root.img"
_KEPT = 4  # besides the newest


class Saved:
    """What `folder` holds: the guest's memory and the state of its devices. Nobody removes it while this is there."""

    def __init__(self, guest, folder, khz, boot):
        self._folder, self._khz, self._boot = folder, khz, boot
        own = folder / _ROOT
        self.root = own if own.exists() else guest / _ROOT
        self._in_use = open(folder / "in-use", "a", encoding="utf-8")  # pylint: disable=consider-using-with
        fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def fits(self, case, stage):
        return case.boot == self._boot and case.memory == MEMORY_MIB and stage == "first"

    def begin(self, guest, words, inherited, link):
        """The running machine."""
        memory = machine.Memory(MEMORY_MIB, self._folder / "memory")
        words = [*words, "-incoming", "defer"]
        begun = machine.Machine(guest, memory, _kernel_words(self._boot, self._khz), words, inherited, link)
        with contextlib.ExitStack() as on_failure:
            on_failure.push(begun)
            monitor = begun.ask()
            monitor.move_state("migrate-incoming", f"exec:cat {self._folder / 'devices'}")
            monitor.ask("cont")
            begun.waits = True
            on_failure.pop_all()
        return begun


def of(guest, boot):
    """The saved state of this guest, booted so; made, if there is none that fits."""
    khz = clock.counter_khz()
    with open(guest / "saving", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begin = f"saved-{boot}-{_key()}-"
        for folder in guest.glob(f"{begin}*"):
            its_khz = int(folder.name.removeprefix(begin))
            if its_khz == (khz or 0) or khz and abs(its_khz / khz - 1) < _CLOCKS_DIFFER:
                return Saved(guest, folder, its_khz or None, boot)
        _forget_old_ones(guest)
        return _make(guest, guest / f"{begin}{khz or 0}", khz, boot)


def _forget_old_ones(guest):
    """Other trees may use theirs."""
    others = sorted(guest.glob("saved-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[_KEPT:]:
        with open(old / "in-use", "a", encoding="utf-8") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old)


def _key():
    """Of all that both sides must have in common and the guest's own files do not tell."""
    digest = hashlib.sha256(host.run("qemu-system-x86_64", "--version").encode())
    for name in ("machine.py", "disks.py", "saved.py"):
        digest.update(pathlib.Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:16]


def _kernel_words(boot, khz):
    return f"{machine.boot_words(boot, khz)} stowage.save"


def _make(guest, folder, khz, boot):
    for left in guest.glob("saving-*"):  # we hold the lock: whoever made it is dead
        shutil.rmtree(left)
    work = pathlib.Path(tempfile.mkdtemp(prefix="saving-", dir=guest))
    try:
        memory = machine.Memory(MEMORY_MIB, work / "memory", share=True)
        root = guest / _ROOT
        if boot == "systemd":
            root = work / _ROOT
            disks.copy(guest / _ROOT, root)
        words = disks.only_root(root, changed=boot == "systemd")
        with machine.Machine(guest, memory, _kernel_words(boot, khz), words, []) as booted:
            booted.control.settimeout(_BOOT_SECONDS)
            try:
                said = booted.control.recv(100)
            except TimeoutError:
                said = b""
            if said != b"ready\n":
                raise host.Failed(f"the guest did not come up to be saved:\n{booted.said_on_console()[-4000:]}")
            monitor = booted.ask()
            monitor.ask("stop")
            monitor.move_state("migrate", f"exec:cat >{work / 'devices'}")
        work.rename(folder)
    finally:
        if work.exists():
            shutil.rmtree(work)
    return Saved(guest, folder, khz, boot)
