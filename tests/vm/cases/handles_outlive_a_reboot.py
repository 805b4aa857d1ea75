"""A real reboot of the storage node: exports, labs and users are as before, a file handle that a client kept opens the
same file, and an upload that broke off before it is gone on with."""

import os
import pathlib

import kernel_nfsd
import nfs3_wire
from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run
from machine_end import STAGE, reboot

TIMEOUT = 420
KEEP_ROOT = True
DISKS = {"labs": "1G"}

KEPT = pathlib.Path("/root/kept-handle")
TEXT = b"written before the reboot"
UPLOAD = bytes(range(256)) * 8192

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
    for name in ("another", "lab1", "third"):
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
    assert gateway.stop() == 0
    kernel_nfsd.stop()
    run("exportfs", "-ua")
    run("umount", "/mnt/nfs")
    reboot("second")

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
assert gateway.stop() == 0
