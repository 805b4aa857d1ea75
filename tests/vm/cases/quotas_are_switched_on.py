"""A node whose labs' filesystem has no quotas yet, its service installed: by the admin guide's own lines they are on, and
what the labs held before counts. Before that its NFS server is stopped and started, as systemd does it."""

import errno
import os
import pathlib
import re

import kernel_nfsd
from installed import CONFIG, LABS, answer, exports, install, labs_are_ready, run, wait_until
from lab_files import MIB, write

TIMEOUT = 600
BOOT = "systemd"
DISKS = {"labs": "1G"}
FILES = ("packages/first.deb",)

GUIDE = pathlib.Path(os.environ["STOWAGE_SOURCE"]) / "deploy/docs/admin-guide.md"
QUOTA = 16 * MIB
LAB = LABS / "lab1"
POD = pathlib.Path("/run/pod")
NOTE = "trusted.stowage.whole"  # on a lab that is known to be in its project as a whole


def mount_as_a_pod():
    POD.mkdir(exist_ok=True)
    run("mount", "-t", "nfs", "-o", "vers=4.2", f"127.0.0.1:{LAB}", str(POD))


def in_fstab(options):
    """The labs' line, in place of the one that was there."""
    fstab = pathlib.Path("/etc/fstab")
    others = [line for line in fstab.read_text(encoding="ascii").splitlines() if str(LABS) not in line]
    line = f"/dev/disk/stowage/labs {LABS} ext4 {options} 0 0"
    fstab.write_text("\n".join([*others, line]) + "\n", encoding="ascii")
    run("systemctl", "daemon-reload")


def lines_of_the_guide():
    """Those for ext4, of which one tells what belongs into fstab: (its options, the others as a script)."""
    section = GUIDE.read_text(encoding="utf-8").partition("\next4: ")[2].partition("\nThe next pass")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    (entry,) = [line for line in lines if line.startswith("#")]
    commands = "\n".join(line for line in lines if line != entry)
    return re.search(r" ext4  (\S+) ", entry)[1], commands.replace("/dev/vdb1", "/dev/disk/stowage/labs")


def a_stopped_nfs_server_is_named_and_its_return_is_enough():
    run("systemctl", "stop", "nfs-server")
    for words in (("clients",), ("check",), ("verify", "lab1")):
        said = run("stowage", *words, check=False)
        assert "systemctl start nfs-server" in said, f"{words}: {said}"
    run("systemctl", "start", "nfs-server")
    kernel_nfsd.end_grace()  # else its 90 s
    run("stowage", "verify", "lab1")
    assert labs_are_ready()


def quotas_are_off_and_the_lab_says_how_to_switch_them_on():
    shown = answer("lab", "show", "lab1")
    assert shown["quota_backend"] == "none", shown
    assert "tune2fs" in run("stowage", "lab", "show", "lab1")
    (POD / "of-before").write_bytes(bytes(QUOTA // 2))
    run("umount", str(POD))


def the_guides_lines_switch_them_on_and_what_was_there_counts():
    options, commands = lines_of_the_guide()
    in_fstab(options)
    run("sh", "-euxc", commands)
    kernel_nfsd.end_grace()
    wait_until(labs_are_ready, "the lab with quotas")
    shown = answer("lab", "show", "lab1")
    assert shown["quota_backend"] == "ext4", shown
    assert shown["used_bytes"] >= QUOTA // 2, shown
    mount_as_a_pod()
    assert write(POD / "too-much", QUOTA) == errno.EDQUOT


def a_lab_without_its_note_is_given_it_and_nobody_is_blamed():
    """As after an upgrade from a version that made none."""
    before = answer("lab", "show", "lab1")["drift"]
    os.removexattr(LAB, NOTE)
    run("stowage", "verify", "lab1", "--repair")
    assert os.getxattr(LAB, NOTE)
    assert (drift := answer("lab", "show", "lab1")["drift"]) == before, drift
    run("umount", str(POD))


run("mkfs.ext4", "-q", "/dev/disk/stowage/labs")
LABS.mkdir(parents=True)
in_fstab("defaults,nosuid,nodev")
run("mount", str(LABS))
install("first")
CONFIG.write_text(CONFIG.read_text(encoding="utf-8") + "\nnfs: {address: 127.0.0.1}\n", encoding="utf-8")
run("systemctl", "start", "stowage")
run("stowage", "lab", "create", "lab1", "--quota", f"{QUOTA // MIB}MiB")
assert exports(), "the kernel's server serves it"
mount_as_a_pod()
a_stopped_nfs_server_is_named_and_its_return_is_enough()
quotas_are_off_and_the_lab_says_how_to_switch_them_on()
the_guides_lines_switch_them_on_and_what_was_there_counts()
a_lab_without_its_note_is_given_it_and_nobody_is_blamed()
