"""One QEMU, from its start to its end. It dies with this process."""

import contextlib
import ctypes
import functools
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import time

from rig import clock
from rig import disks as disk_files
from rig.qmp import Monitor

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
# QEMU keeps what it has translated by its virtual address: with a layout of its own each process would be translated anew,
# which was half of all that a guest does.
_KERNEL = (
    "console=ttyS0 loglevel=4 panic=-1 nokaslr norandmaps mitigations=off no_timer_check tsc=reliable rcupdate.rcu_expedited=1 "
    "audit=0 cryptomgr.notests=1 quiet"
)
_INIT = {
    "plain": "stowage.init=/usr/lib/stowage-vm/plain_init",
    "systemd": "systemd.unit=stowage-vm.target systemd.show_status=no",
}
# Copying by bytes ("enhanced rep movsb") takes an emulated processor four times as long as by words; memory protection
# that tests do not look at, and a fifth level of page tables, cost each access to memory and each system call.
_PROCESSOR = "max,erms=off,smap=off,pku=off,la57=off"
_MONITOR_SECONDS = 120


class Boot:
    """How one boot ended: `how` is "rc=N", "reboot STAGE", "cut STAGE", "hang", or "" when the guest said nothing."""

    def __init__(self, how, console):
        self.how, self.console = how, console

    @property
    def panicked(self):
        return "Kernel panic" in self.console


class Machine:
    """A running QEMU. `words` are its disks and memory, `inherited` what these words name, `link` the end of a network
    cable, a datagram socket; leaving kills it."""

    def __init__(self, guest, memory, kernel_words, words, inherited, link=None):
        self.waits = False  # for its test: it has said so, if only to the one who saved it
        self.console = disk_files.nameless()
        self.out, out_theirs = socket.socketpair()
        self.control, control_theirs = socket.socketpair()
        self.monitor, monitor_theirs = socket.socketpair()
        theirs = [out_theirs, control_theirs, monitor_theirs]
        command = [
            *("qemu-system-x86_64", "-M", f"q35{memory.machine}", "-accel", "tcg,thread=multi", "-cpu", _PROCESSOR),
            *("-smp", "1", "-m", str(memory.mebibytes), *memory.words),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"),
            *("-kernel", str(guest / "vmlinux"), "-initrd", str(guest / "initrd.cpio")),
            *("-append", f"{_KERNEL} {kernel_words}"),
            *("-chardev", f"file,id=console,path=/proc/self/fd/{self.console.fileno()}", "-serial", "chardev:console"),
            *("-chardev", f"socket,id=monitor,fd={monitor_theirs.fileno()}", "-mon", "chardev=monitor,mode=control"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
            *_port("out", out_theirs),
            *_port("control", control_theirs),
            *_network(link),
            *words,
        ]
        self._process = _start(command, self.console, [*inherited, *theirs, *([link] if link else [])])
        for file in [*inherited, *theirs]:
            if isinstance(file, socket.socket):
                file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._process.wait()
        for file in (self.out, self.control, self.monitor, self.console):
            file.close()

    def kill(self):
        self._process.kill()

    def ask(self):
        return Monitor(self.monitor, _MONITOR_SECONDS)

    def give_job(self, case, stage):
        """To a guest that waits for it: what it says of the time is true now."""
        job = {"case": case, "stage": stage, "now": time.time(), "entropy": secrets.token_hex(32)}
        self.control.sendall(json.dumps(job).encode() + b"\n")

    def said_on_console(self):
        self.console.seek(0)
        return self.console.read().decode(errors="replace")

    def watch(self, deadline, write, on_ready):
        """Until QEMU has ended and all it sent is read, or the guest says how its test ended, or the deadline (monotonic)
        is there. `write` gets what the test prints, as it comes."""
        said = b""
        with selectors.DefaultSelector() as waiting:
            for end in (self.out, self.control):
                waiting.register(end, selectors.EVENT_READ)
            while waiting.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return "hang"
                for key, _ in waiting.select(left):
                    data = key.fileobj.recv(1 << 16)
                    if not data:
                        waiting.unregister(key.fileobj)
                    elif key.fileobj is self.out:
                        write(data)
                    else:
                        said += data
                        if said.startswith(b"ready\n"):
                            said = said.removeprefix(b"ready\n")
                            on_ready()
                        if said.startswith((b"cut ", b"rc=")) and said.endswith(b"\n"):
                            return self._end_of(said, write)
        self._process.wait()
        return said.decode(errors="replace").strip()

    def _end_of(self, said, write):
        """The machine need not shut down; what the test printed was sent before."""
        self.out.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while data := self.out.recv(1 << 16):
                write(data)
        return said.decode().strip()


class Memory:
    """Of the guest: anonymous, or a file that is written (`share`) or copied from as it is changed."""

    def __init__(self, mebibytes, path=None, share=False):
        self.mebibytes, self.machine, self.words = mebibytes, "", ()
        if path:
            self.machine = ",memory-backend=memory"
            how = f"share={'on' if share else 'off'}"
            self.words = ("-object", f"memory-backend-file,id=memory,size={mebibytes}M,mem-path={path},{how}")


def begin(guest, case, disks, saved=None, link=None):
    """The running machine: it boots, or goes on where it was saved."""
    words, inherited = disks.plug_in(saved.root if saved else guest / "root.img")
    if saved:
        return saved.begin(guest, words, inherited, link)
    return Machine(guest, Memory(case.memory), boot_words(case.boot, clock.counter_khz()), words, inherited, link)


def run(machine, case, stage, deadline, write):
    """The test in it, to an end of the machine."""
    with machine:
        give_job = functools.partial(machine.give_job, f"{case.path.parent.name}/{case.name}", stage)
        if machine.waits:
            give_job()
        how = machine.watch(deadline, write, on_ready=give_job)
        return Boot(how, machine.said_on_console())


def boot_words(boot, khz):
    """The kernel's, for a guest that boots "plain" or into "systemd"."""
    return f"{_INIT[boot]} tsc_early_khz={khz}" if khz else _INIT[boot]


def _network(link):
    """Every guest has the card, so that all can begin in the same saved state; nobody loads its driver unasked."""
    if not link:
        return ("-device", "virtio-net-pci,romfile=")
    return (
        *("-netdev", f"dgram,id=link,local.type=fd,local.str={link.fileno()}"),
        *("-device", "virtio-net-pci,romfile=,netdev=link"),
    )


def _port(name, end):
    return (
        *("-chardev", f"socket,id={name},fd={end.fileno()}"),
        *("-device", f"virtserialport,chardev={name},name={name}"),
    )


def _start(command, console, inherited):
    parent = os.getpid()

    def before_exec():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        preexec_fn=before_exec,
        start_new_session=True,
        pass_fds=[file.fileno() for file in [*inherited, console]],
    )
