"""A real reboot of the storage node: exports, labs and users are as before, a file handle that a client kept opens the
same file, and an upload that broke off before it is gone on with. Another machine has a lab mounted over NFSv4.2 all the
while, with the kernel's client: its open file and its lock go on as if nothing had been."""

import fcntl
import os
import pathlib
import time

import kernel_nfsd
import nfs3_wire
from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run, wait_until
from machine_end import STAGE, reboot
from nodes import connect

TIMEOUT = 420
KEEP_ROOT = True
PEER = True
DISKS = {"labs": "1G"}

KEPT = pathlib.Path("/root/kept-handle")
TEXT = b"written before the reboot"
UPLOAD = bytes(range(256)) * 8192

SERVER, CLIENT = "10.77.1.1", "10.77.1.2"
PATIENCE = 300


def hold_a_mount():
    """The other machine. It has the file open and locked, and writes a line every 100 ms, from before the reboot until
    the server has seen it write after it."""
    connect(CLIENT)
    run("modprobe", "-a", "nfs", "nfsv4")
    run("mount", "-t", "rpc_pipefs", "rpc_pipefs", "/run/rpc_pipefs", check=False)
    target = pathlib.Path("/run/held")
    target.mkdir()
    wait_until(lambda: mounts(target), PATIENCE, "a lab to mount")
    held = os.open(target / "held", os.O_CREAT | os.O_RDWR, 0o660)
    fcntl.lockf(held, fcntl.LOCK_EX)
    inode = os.fstat(held).st_ino
    lines, slowest = 0, 0.0
    while not (target / "enough").exists():
        began = time.monotonic()
        os.write(held, b"%d\n" % lines)
        os.fsync(held)
        lines, slowest = lines + 1, max(slowest, time.monotonic() - began)
        time.sleep(0.1)
    assert os.fstat(held).st_ino == inode == os.stat(target / "held").st_ino
    written = os.pread(held, 1 << 20, 0).decode().split()
    assert written == [str(number) for number in range(lines)], "lines are lost, or twice"
    fcntl.lockf(held, fcntl.LOCK_UN)
    os.close(held)
    print(f"held: {lines} lines, the slowest took {slowest:.1f} s", flush=True)
    (target / "done").touch()


def mounts(target):
    run("mount", "-t", "nfs", "-o", "vers=4.2,retry=0,actimeo=1", f"{SERVER}:/mnt/nfs/held", str(target), check=False)
    return os.path.ismount(target)


def lines_held():
    path = pathlib.Path("/mnt/nfs/held/held")
    return len(path.read_bytes().split()) if path.exists() else 0


def more_lines_come(what):
    seen = lines_held()
    wait_until(lambda: lines_held() > seen + 3, PATIENCE, f"what the other machine writes {what}")


if STAGE == "peer":
    hold_a_mount()
    raise SystemExit
connect(SERVER)
if STAGE == "first":
    format_labs_disk()
mount_labs()
kernel_nfsd.start()
if STAGE == "first":
    kernel_nfsd.end_grace()
gateway = GuestGateway()
gateway.start()

if STAGE == "first":
    # Ids that differ by the order in which labs are made would show.
    for name in ("another", "lab1", "held"):
        gateway.create_lab(name)
    gateway.command("lab", "delete", "another")
    lab = gateway.answer("lab", "show", "lab1")
    (gateway.folder / "password").write_text(gateway.add_user("alice", "lab1"), encoding="ascii")
    client = gateway.login("alice", (gateway.folder / "password").read_text(encoding="ascii"))
    client.store("kept", TEXT)
    client.voidcmd("TYPE I")
    connection = client.transfercmd("STOR broken-off")
    connection.sendall(UPLOAD[: len(UPLOAD) // 2])
    connection.close()  # without close_notify
    assert client.refusal().startswith("426")
    assert client.size("broken-off") > 0
    client.quit()
    KEPT.write_bytes(nfs3_wire.lookup(nfs3_wire.root_handle(lab["directory"]), "kept"))
    (gateway.folder / "etab").write_text(kernel_nfsd.ETAB.read_text(encoding="utf-8"), encoding="utf-8")
    more_lines_come("before the reboot")
    assert gateway.stop() == 0
    kernel_nfsd.stop()
    run("exportfs", "-ua")
    run("umount", "/mnt/nfs")
    reboot("second")

more_lines_come("after the reboot")
with open("/mnt/nfs/held/held", "rb") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass
    else:
        raise AssertionError("the lock was not reclaimed")
pathlib.Path("/mnt/nfs/held/enough").touch()
assert nfs3_wire.read(KEPT.read_bytes()) == TEXT, "the kept handle opens something else"
before = sorted((gateway.folder / "etab").read_text(encoding="utf-8").splitlines())
assert sorted(kernel_nfsd.ETAB.read_text(encoding="utf-8").splitlines()) == before, "the exports are others"
client = gateway.login("alice", (gateway.folder / "password").read_text(encoding="ascii"))
assert client.fetch("kept") == TEXT
client.voidcmd("TYPE I")
there = client.size("broken-off")
assert 0 < there <= len(UPLOAD) // 2, f"{there} bytes of the upload are left"
lab = pathlib.Path(gateway.answer("lab", "show", "lab1")["directory"])
assert "broken-off" not in os.listdir(lab), "pods see half an upload"
client.store("broken-off", UPLOAD[there:], rest=there)
assert (lab / "broken-off").read_bytes() == UPLOAD
client.quit()
gateway.command("verify", "lab1")
wait_until((lab.parent / "held/done").exists, PATIENCE, "the other machine's end")
assert gateway.stop() == 0
