"""The package on Debian's own systemd and dpkg: installed, only /etc/stowage/stowage.yaml edited, started; two labs, an
upload; an upgrade lets the running upload end; a reboot finds everything back; a purge, a new installation and a
restored backup as well. Nothing of it touches a lab's files."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import types

import machine_end
from ftps_client import FtpsClient

TIMEOUT = 600
BOOT = "systemd"
DISKS = {"labs": "2G"}
KEEP_ROOT = True
FILES = ("packages/first.deb", "packages/second.deb")

PACKAGES = pathlib.Path(os.environ["STOWAGE_SOURCE"]) / "packages"
LABS, STATE, NOTES = pathlib.Path("/mnt/nfs"), pathlib.Path("/var/lib/stowage"), pathlib.Path("/root/notes.json")
PORTS = types.SimpleNamespace(ftps=21, ftps_implicit=990)
DATA = bytes(range(256)) * 4096


def run(*words, check=True):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace")
    if check and done.returncode != 0:
        log = run("journalctl", "-u", "stowage", "-n", "60", "--no-pager", check=False)
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{output}\n{log}")
    return output


def answer(*words):
    return json.loads(run("stowage", "--json", *words).splitlines()[-1])


def unit(name):
    return run("systemctl", "show", "--value", "-p", name, "stowage").strip()


def wait_until(condition, what, seconds=300):
    """Looking takes no more than a fourth of the guest's time, which it has to make the condition true."""
    end = time.monotonic() + seconds
    began = time.monotonic()
    while not condition():
        looked = time.monotonic()
        assert looked < end, f"{what} did not come true\n{run('journalctl', '-u', 'stowage', '-n', '60')}"
        time.sleep(max(0.1, 3 * (looked - began)))
        began = time.monotonic()


def login(user, password):
    client = FtpsClient(PORTS, pathlib.Path("/run/stowage/certificate.pem"))
    client.login(user, password)
    client.prot_p()
    return client


def identities():
    with sqlite3.connect(f"file:{STATE}/controller/stowage.db?mode=ro", uri=True) as database:
        return [list(row) for row in database.execute("SELECT name, uid, export_id, fsid FROM labs ORDER BY name")]


def hashes():
    """Of every file in the labs that is not the gateway's own: its checks make one for a moment."""
    found = {}
    for path in sorted(LABS.rglob("*")):
        if not any(part.startswith(".stowage") for part in path.parts) and path.is_file():
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def labs_are_ready():
    return [lab["state"] for lab in answer_of_status()["labs"]] == ["ready", "ready"]


def answer_of_status():
    done = subprocess.run(["stowage", "--json", "status"], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode in (0, 3) else {"labs": []}


def foreign_ganesha_is_in_the_way():
    """The guest has both of Debian's NFS servers, and NFS-Ganesha holds the port: said, with the remedy that helps."""
    run("systemctl", "stop", "nfs-server")
    run("systemctl", "restart", "nfs-ganesha")
    wait_until(lambda: ":2049 " in run("ss", "-ltn"), "Debian's NFS-Ganesha")
    said = run("stowage", "check", check=False)
    assert "port 2049 is in use by ganesha.nfsd" in said, said
    remedy = re.search(r"remedy: (systemctl disable --now nfs-ganesha), then (systemctl restart nfs-server)", said)
    assert remedy, said
    for command in remedy.groups():
        run(*command.split())


def mount_labs():
    """As an admin has it: in fstab, by its UUID, with project quotas."""
    run("mkfs.xfs", "-q", "/dev/disk/stowage/labs")
    uuid = run("blkid", "-s", "UUID", "-o", "value", "/dev/disk/stowage/labs").strip()
    LABS.mkdir(parents=True, exist_ok=True)
    with open("/etc/fstab", "a", encoding="ascii") as fstab:
        fstab.write(f"UUID={uuid} {LABS} xfs prjquota,nofail 0 0\n")
    run("systemctl", "daemon-reload")
    run("mount", LABS)


def install(name):
    run("dpkg", "--force-confold", "-i", PACKAGES / f"{name}.deb")


def install_and_configure():
    install("first")
    assert run("systemctl", "is-enabled", "stowage").strip() == "enabled"
    assert unit("ActiveState") == "inactive", "the admin starts it"
    config = pathlib.Path("/etc/stowage/stowage.yaml")
    config.write_text(config.read_text() + "\ndrain_timeout: 5m\nnfs: {address: 127.0.0.1}\n", encoding="utf-8")
    foreign_ganesha_is_in_the_way()
    run("stowage", "check")
    run("systemctl", "start", "stowage")
    assert unit("Type") == "notify" and unit("ActiveState") == "active"
    assert unit("WatchdogUSec") == "2min" and unit("NRestarts") == "0"


def make_labs():
    passwords = {}
    for lab, user in (("lab1", "alice"), ("lab2", "bob")):
        run("stowage", "lab", "create", lab, "--quota", "1GiB")
        passwords[user] = answer("user", "add", user, "--lab", lab)["password"]
    client = login("alice", passwords["alice"])
    client.store("data.bin", DATA)
    client.quit()
    wait_until(labs_are_ready, "both labs ready")
    return passwords


def journal_entry(*fields):
    """The last one; journald writes it down some time after it was told."""
    lines = lambda: run("journalctl", *fields, "-o", "json", "--no-pager").splitlines()  # noqa: E731
    wait_until(lambda: lines() and lines()[-1].startswith("{"), f"an entry with {fields}")
    return json.loads(lines()[-1])


def journal_has_the_fields():
    """Written by the front and the supervisor, narrowed as they are."""
    entry = journal_entry("STOWAGE_EVENT=login", "STOWAGE_LAB=lab1")
    assert (entry["STOWAGE_USER"], entry["STOWAGE_RESULT"]) == ("alice", "ok"), entry
    assert entry["_SYSTEMD_UNIT"] == "stowage.service", entry
    transfer = journal_entry("STOWAGE_EVENT=transfer")
    assert transfer["STOWAGE_PROCESS"] == "worker:lab1" and transfer["STOWAGE_BYTES"] == str(len(DATA)), transfer


def upgrade_drains(password):
    """The upload began before the upgrade and ends after systemd told the gateway to stop."""
    client = login("alice", password)
    connection = client.transfercmd("STOR during-upgrade.bin")
    source = io.BytesIO(DATA)
    before = unit("MainPID")

    def stops():
        connection.sendall(source.read(1024))  # slow, but it moves
        return unit("SubState") == "stop-sigterm"

    upgrade = threading.Thread(target=install, args=("second",))
    upgrade.start()
    wait_until(stops, "the stop of the old gateway")
    connection.sendall(source.read())
    connection.unwrap()
    connection.close()
    reply = client.voidresp()
    assert reply.startswith("226"), reply
    client.drop()
    upgrade.join()
    assert run("dpkg-query", "-W", "-f", "${Version}", "stowage").endswith("-2")
    wait_until(lambda: unit("ActiveState") == "active" and unit("MainPID") not in ("0", before), "the new gateway")
    assert (LABS / "lab1" / "during-upgrade.bin").read_bytes() == DATA
    wait_until(labs_are_ready, "both labs ready after the upgrade")
    assert "127.0.0.1" in pathlib.Path("/etc/stowage/stowage.yaml").read_text()


def first():
    mount_labs()
    install_and_configure()
    passwords = make_labs()
    journal_has_the_fields()
    upgrade_drains(passwords["alice"])
    run("stowage", "backup", "/root/backup")
    NOTES.write_text(json.dumps({"passwords": passwords, "labs": identities(), "hashes": hashes()}), encoding="ascii")
    machine_end.reboot("rebooted")


def everything_is_back(notes):
    # With nofail the boot does not wait for the disk.
    wait_until(lambda: os.path.ismount(LABS), f"the mount of {LABS}")
    wait_until(lambda: unit("ActiveState") == "active", "the service")
    wait_until(labs_are_ready, "both labs ready")
    assert identities() == notes["labs"], "uids, export ids and fsids"
    assert (there := hashes()) == notes["hashes"], f"{there}\nwere {notes['hashes']}"
    client = login("alice", notes["passwords"]["alice"])
    assert client.fetch("data.bin") == DATA
    client.quit()
    login("bob", notes["passwords"]["bob"]).quit()


def rebooted():
    notes = json.loads(NOTES.read_text(encoding="ascii"))
    everything_is_back(notes)

    run("dpkg", "--remove", "stowage")
    assert unit("ActiveState") == "inactive" and not run("pgrep", "-f", "/usr/libexec/stowage", check=False)
    assert (STATE / "controller" / "stowage.db").exists() and hashes() == notes["hashes"]
    run("dpkg", "--purge", "stowage")
    left = [str(path) for folder in (STATE, pathlib.Path("/etc/stowage")) for path in [folder, *folder.rglob("*")]]
    left = [path for path in left if os.path.exists(path)]
    assert not left, f"a purge leaves {left}"
    assert not list(pathlib.Path("/etc/exports.d").glob("stowage-*")), "exported by nobody's order"
    assert hashes() == notes["hashes"], "the labs' files survive a purge"

    install("second")
    run("stowage", "restore", "/root/backup", "--replace")
    run("systemctl", "start", "stowage")
    everything_is_back(notes)
    shutil.rmtree("/root/backup")


{"first": first, "rebooted": rebooted}[machine_end.STAGE]()
