"""One QEMU, from its start to its end. It dies with this process."""

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import time

from rig import clock
from rig import disks as disk_files

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_KERNEL = (
    "console=ttyS0 loglevel=4 panic=-1 nokaslr mitigations=off no_timer_check tsc=reliable rcupdate.rcu_expedited=1 "
    "audit=0 cryptomgr.notests=1 quiet"
)


class Boot:
    """How one boot ended: `how` is "rc=N", "reboot STAGE", "cut STAGE", "hang", or "" when the guest said nothing."""

    def __init__(self, how, console):
        self.how, self.console = how, console

    @property
    def panicked(self):
        return "Kernel panic" in self.console


def boot(guest, case, disks, stage, deadline, write):
    """Boots the guest and lets it run until it ends, says "cut", or the deadline (monotonic) is there. `write` gets
    what the test prints, as it comes."""
    with disk_files.nameless() as console:
        process, out, control = _start(guest, case, disks, stage, console)
        with out, control:
            try:
                how = _watch(process, out, control, deadline, write)
            finally:
                process.kill()
                process.wait()
        console.seek(0)
        return Boot(how, console.read().decode(errors="replace"))


def _start(guest, case, disks, stage, console):
    out, out_theirs = socket.socketpair()
    control, control_theirs = socket.socketpair()
    words, inherited = disks.plug_in()
    inherited += [out_theirs, control_theirs, console]
    command = [
        *("qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"),
        *("-m", str(case.memory), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"),
        *("-kernel", str(guest / "vmlinux"), "-initrd", str(guest / "initrd.cpio")),
        *("-append", f"{_kernel_words()} {_stowage_words(case, stage)} {_init(case)}"),
        *("-chardev", f"file,id=console,path=/proc/self/fd/{console.fileno()}", "-serial", "chardev:console"),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *_port("out", out_theirs),
        *_port("control", control_theirs),
        *words,
    ]
    parent = os.getpid()

    def before_exec():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)

    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        preexec_fn=before_exec,
        start_new_session=True,
        pass_fds=[file.fileno() for file in inherited],
    )
    for file in inherited:
        if isinstance(file, socket.socket):
            file.close()
    return process, out, control


def _kernel_words():
    khz = clock.counter_khz()
    return f"{_KERNEL} tsc_early_khz={khz}" if khz else _KERNEL


def _stowage_words(case, stage):
    return f"stowage.case={case.path.parent.name}/{case.name} stowage.stage={stage}"


def _init(case):
    if case.boot == "systemd":
        return "systemd.unit=stowage-vm.target systemd.show_status=no"
    return "stowage.init=/usr/lib/stowage-vm/plain_init"


def _port(name, end):
    return (
        *("-chardev", f"socket,id={name},fd={end.fileno()}"),
        *("-device", f"virtserialport,chardev={name},name={name}"),
    )


def _watch(process, out, control, deadline, write):
    """Ends when QEMU has ended and all it sent is read, or at once with "cut" and "hang"."""
    said = b""
    with selectors.DefaultSelector() as waiting:
        for end in (out, control):
            waiting.register(end, selectors.EVENT_READ)
        while waiting.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return "hang"
            for key, _ in waiting.select(left):
                data = key.fileobj.recv(1 << 16)
                if not data:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is out:
                    write(data)
                else:
                    said += data
                    if said.startswith(b"cut ") and said.endswith(b"\n"):
                        return said.decode().strip()
    process.wait()
    return said.decode(errors="replace").strip()
