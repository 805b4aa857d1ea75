"""A guest that is up and waits for its test, saved once: a test goes on from there in a moment, where booting takes
seconds of emulation. The memory is a file that each test's QEMU copies from what it changes (share=off), so that
beginning costs what is touched, and guests that run side by side share the rest.

It fits a disk that nobody has written to (the root is mounted read-only at that moment), this QEMU and this machine's
clock; where one of them is another, it is made anew."""

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
_KEPT = 2  # besides the newest


class Saved:
    """What `folder` holds: the guest's memory and the state of its devices. Nobody removes it while this is there."""

    def __init__(self, folder, khz):
        self._folder, self._khz = folder, khz
        self._in_use = open(folder / "in-use", "a", encoding="utf-8")  # pylint: disable=consider-using-with
        fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def fits(self, case, stage):
        return case.boot == "plain" and case.memory == MEMORY_MIB and stage == "first"

    def begin(self, guest, words, inherited, link):
        """The running machine."""
        memory = machine.Memory(MEMORY_MIB, self._folder / "memory")
        words = [*words, "-incoming", "defer"]
        begun = machine.Machine(guest, memory, _kernel_words(self._khz), words, inherited, link)
        with contextlib.ExitStack() as on_failure:
            on_failure.push(begun)
            monitor = begun.ask()
            monitor.move_state("migrate-incoming", f"exec:cat {self._folder / 'devices'}")
            monitor.ask("cont")
            begun.waits = True
            on_failure.pop_all()
        return begun


def of(guest):
    """The saved state of this guest; made, if there is none that fits."""
    khz = clock.counter_khz()
    with open(guest / "saving", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begin = f"saved-{_key()}-"
        for folder in guest.glob(f"{begin}*"):
            its_khz = int(folder.name.removeprefix(begin))
            if its_khz == (khz or 0) or khz and abs(its_khz / khz - 1) < _CLOCKS_DIFFER:
                return Saved(folder, its_khz or None)
        _forget_old_ones(guest)
        return _make(guest, guest / f"{begin}{khz or 0}", khz)


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


def _kernel_words(khz):
    return f"{machine.plain_words(khz)} stowage.save"


def _make(guest, folder, khz):
    for left in guest.glob("saving-*"):  # we hold the lock: whoever made it is dead
        shutil.rmtree(left)
    work = pathlib.Path(tempfile.mkdtemp(prefix="saving-", dir=guest))
    try:
        memory = machine.Memory(MEMORY_MIB, work / "memory", share=True)
        with machine.Machine(guest, memory, _kernel_words(khz), disks.only_root(guest), []) as booted:
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
    return Saved(folder, khz)
