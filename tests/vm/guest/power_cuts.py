"""The power goes during uploads, on a disk that loses whatever was not flushed: every file that got its 226 is
whole afterwards, nothing half-written has a name, and an upload that goes on where the server says becomes what was sent.
Beside it a lab with durability none, of which files may be missing, end too early or have zeros for what was lost, and
nothing else, and of which no HASH is believed that the file has not."""

import ftplib
import hashlib
import json
import os
import pathlib
import random
import threading

import kernel_nfsd
from guest_gateway import LABS, GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run
from machine_end import STAGE, cut_power

CLIENTS, WANTED = 3, 40
UPLOADS_SECONDS = 400  # beside many others an emulated guest took more than 120
CARELESS = 2  # the client that uploads to the lab without durability
STATE = pathlib.Path("/var/lib/stowage-test")
SECTOR, BLOCK = 512, 4096
LARGE_BYTES = 16_000_000


def content(name):
    """What the file of this name must hold."""
    dice = random.Random(name)
    return dice.randbytes(dice.choice((0, 1, 4096, 70_000, 1_000_000)) + dice.randrange(4096))


def large(name):
    """What is being sent of this name when the power goes."""
    return f"{name} ".encode() * (LARGE_BYTES // (len(name) + 1))


class Ledger:
    """The names that got their 226, on a disk that keeps what it was given."""

    def __init__(self):
        self._disk = os.open("/dev/disk/stowage/ledger", os.O_RDWR | os.O_SYNC)
        self._lock = threading.Lock()
        sectors = os.pread(self._disk, 1 << 20, 0)
        self.names = [word.decode() for word in sectors.replace(b"\0", b" ").split()]

    def add(self, name):
        with self._lock:
            os.pwrite(self._disk, name.encode().ljust(SECTOR, b"\0"), SECTOR * len(self.names))
            self.names.append(name)


going_down = threading.Event()


class Uploads(threading.Thread):
    """One client, until the power goes."""

    def __init__(self, gateway, passwords, ledger, number):
        super().__init__(daemon=True)
        user = "carl" if number == CARELESS else "alice"
        self.client = gateway.login(user, passwords[user])
        self.ledger, self.number, self.failure = ledger, number, None

    def run(self):
        try:
            for count in range(10_000):
                name = f"file-{self.number}-{count}"
                reply = self.client.store(name, content(name))
                assert reply.startswith("226"), reply
                self.ledger.add(name)
                if len(self.ledger.names) >= WANTED:
                    self.begin_one_more()
                    return going_down.set()
        except (OSError, AssertionError, ftplib.Error) as failure:
            self.failure = failure
            going_down.set()

    def begin_one_more(self):
        """A large one, of which the disk has got what nobody flushed yet."""
        name = f"file-{self.number}-large"
        self.under_way = self.client.transfercmd(f"STOR {name}")
        self.under_way.sendall(large(name))


def write_back_at_once():
    """Dirty pages go to the disk soon, and without a flush: there they can be lost in part."""
    for name, value in (("dirty_background_bytes", 65536), ("dirty_writeback_centisecs", 5), ("dirty_expire_centisecs", 5)):
        pathlib.Path("/proc/sys/vm", name).write_text(str(value), encoding="ascii")


def in_lab(directory):
    return {path.name for path in directory.iterdir() if not path.name.startswith(".stowage")}


def check(directory, names):
    seen = in_lab(directory)
    lost = set(names) - seen
    assert not lost, f"had their 226 and are gone: {sorted(lost)}"
    for name in seen:
        data = (directory / name).read_bytes()
        assert data == content(name), f"{name} has {len(data)} of {len(content(name))} bytes, or others"
    print(f"{len(names)} files had their 226, {len(seen)} are there, all whole", flush=True)


def is_lost(block):
    return not any(block)


def check_careless(directory, names):
    seen = in_lab(directory)
    early = 0
    for name in seen:
        data, whole = (directory / name).read_bytes(), content(name)
        assert len(data) <= len(whole), f"{name} is longer than what was sent"
        for begin in range(0, len(data), BLOCK):
            block = data[begin : begin + BLOCK]
            assert is_lost(block) or whole[begin:].startswith(block), f"{name} has other bytes than were sent"
        early += data != whole
    print(f"without durability: {len(names)} had their 226, {len(set(names) - seen)} are gone, {early} are not whole")


def check_hashes(client, directory):
    """What HASH says is of the bytes that are there, not of those that were sent."""
    for name in in_lab(directory):
        said = client.sendcmd(f"HASH {name}").split()
        assert said[3] == hashlib.sha256((directory / name).read_bytes()).hexdigest(), said


def go_on(gateway, passwords):
    """With what was under way, from where the server says; or anew, where it has forgotten."""
    for number in range(CLIENTS):
        user, lab = ("carl", "careless") if number == CARELESS else ("alice", "lab1")
        name = f"file-{number}-large"
        client = gateway.login(user, passwords[user])
        check_hashes(client, LABS / lab)
        if client.exists(name):
            size = client.size(name)
            client.store(name, large(name)[size:], rest=size)
            assert (LABS / lab / name).read_bytes() == large(name), f"{name}, gone on with from {size}, is not what was sent"
            print(f"{name} went on from byte {size}", flush=True)
        client.quit()


def is_careless(name):
    return name.split("-")[1] == str(CARELESS)


def play(filesystem):
    """A stage of it; its disks are those that the cases name."""
    write_back_at_once()
    ledger = Ledger()
    if STAGE == "first":
        format_labs_disk(filesystem)
        run("mkfs.ext4", "-q", "/dev/disk/stowage/state")
    mount_labs(filesystem)
    run("modprobe", "ext4")
    STATE.mkdir(exist_ok=True)
    run("mount", "/dev/disk/stowage/state", str(STATE))
    kernel_nfsd.start()
    kernel_nfsd.end_grace()
    gateway = GuestGateway(STATE, labs__quota_backend="none")
    gateway.start()
    if STAGE == "first":
        gateway.create_lab("lab1")
        gateway.create_lab("careless", "--durability", "none")
        passwords = {"alice": gateway.add_user("alice", "lab1"), "carl": gateway.add_user("carl", "careless")}
        with open(STATE / "passwords", "x", encoding="ascii") as file:
            json.dump(passwords, file)
            file.flush()
            os.fsync(file.fileno())
        run("sync", str(STATE))
    else:
        check(LABS / "lab1", [name for name in ledger.names if not is_careless(name)])
        check_careless(LABS / "careless", [name for name in ledger.names if is_careless(name)])
        passwords = json.loads((STATE / "passwords").read_text(encoding="ascii"))
        go_on(gateway, passwords)
        client = gateway.login("alice", passwords["alice"])
        client.store("afterwards", content("afterwards"))
        assert client.fetch("afterwards") == content("afterwards")
        client.quit()
        raise SystemExit(gateway.stop())

    uploads = [Uploads(gateway, passwords, ledger, number) for number in range(CLIENTS)]
    for upload in uploads:
        upload.start()
    assert going_down.wait(UPLOADS_SECONDS), f"only {len(ledger.names)} uploads"
    failures = [upload.failure for upload in uploads if upload.failure]
    assert not failures, failures
    cut_power("second")
