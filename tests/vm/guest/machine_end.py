"""Ending the machine on purpose, from within a test; the test goes on in the next boot, as another stage."""

import os
import pathlib
import subprocess
import time

STAGE = os.environ.get("STOWAGE_STAGE", "first")


def _tell(word):
    with open("/dev/stowage-control", "w", encoding="ascii") as control:
        control.write(word + "\n")


def reboot(stage):
    """In good order. With systemd the services are stopped and everything is unmounted; without it the test has
    stopped what it started, and the filesystems are remounted read-only as far as they are not in use."""
    pathlib.Path("/run/stowage-vm-reboots").touch()
    _tell(f"reboot {stage}")
    if os.path.exists("/run/systemd/system"):
        subprocess.run(["systemctl", "--no-block", "reboot"], check=True)
    else:
        os.sync()
        for line in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()[::-1]:
            if line.startswith("/dev/vd"):
                subprocess.run(["mount", "-o", "remount,ro", line.split()[1]], check=False, capture_output=True)
        pathlib.Path("/proc/sysrq-trigger").write_text("b", encoding="ascii")
    _forever()


def cut_power(stage):
    """QEMU is killed as soon as it has read this; lossy disks keep an arbitrary part of what was not flushed."""
    _tell(f"cut {stage}")
    _forever()


def _forever():
    while True:
        time.sleep(3600)  # the end of the machine is the end of this
