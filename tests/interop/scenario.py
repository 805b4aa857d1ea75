"""What every client does against the gateway: one list of steps, each proved on the server's disk or the client's.

A client is an adapter (client.py; one file each, lftp_works.py is a short one): it says what program it is, and does
each step its own way, or says in `unable` why it cannot. It never judges: the steps do. A step that passes is printed; with
STOWAGE_INTEROP_RESULTS=FOLDER the results go there, and clients_table.py makes the table of the docs from them.
"""

import datetime
import io
import json
import os
import pathlib
import re
import subprocess
import unittest

from client import Host
from stowage_rig import Rig
from tour import dataset

# Beside the tour's dataset: what shells, parsers of listings and FTP's own syntax stumble over.
ODD_NAMES = [
    " leading space",
    "trailing space ",
    "back\\slash",
    'two "quotes".txt',
    "it's",
    "-rf",
    "semi;colon=equals",
    "tilde~",
    "~",
    "%41",
    "$HOME `id`",
    "cafe\u0301",  # decomposed: must not become U+00E9
    "\U0001f9ec",
    "n" * 251 + ".txt",
]
_LONG_AGO = 1_551_443_696  # 2019-03-01 12:34:56 UTC: nobody's "now"
_MEMBERS = {"lab1": "alice", "lab2": "bob"}


class Stage:
    """Where one client's run happens: the lab on the server's disk, the folder that is its own, the tree to send."""

    def __init__(self, rig, client, host, local, peer):
        self.client, self.local, self.peer = client, local, peer
        self.lab = rig.labs / host.lab
        self.mine = "run-" + re.sub(r"[^a-z0-9]+", "-", client.name.lower()).strip("-")
        self.scratch = host.scratch
        self.model = local / "weights" / "model 1.bin"
        make_folder(peer, self.mine)

    def remote(self, name):
        return f"{self.mine}/{name}"

    def on_disk(self, name):
        return self.lab / self.mine / name


def same_tree(one, other):
    done = subprocess.run(["diff", "-r", str(one), str(other)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def send_tree(peer, local, remote):
    """What the test's own FTPS client uploads, so that no step leans on another one."""
    make_folder(peer, remote)
    for path in sorted(local.rglob("*")):
        there = f"{remote}/{path.relative_to(local)}"
        if path.is_dir():
            make_folder(peer, there)
        else:
            peer.store(there, path.read_bytes())
            peer.voidcmd(f"MFMT {stamp(path)} {there}")


def make_folder(peer, remote):
    peer.voidcmd(f"MKD {remote}")


def stamp(path):
    moment = datetime.datetime.fromtimestamp(int(path.stat().st_mtime), datetime.timezone.utc)
    return moment.strftime("%Y%m%d%H%M%S")


def interrupt_upload(peer, remote, data):
    """The connection breaks after `data`: no close_notify, so the server keeps it for REST and publishes nothing."""
    peer.voidcmd("TYPE I")
    connection, _ = peer.ntransfercmd(f"STOR {remote}")
    connection.sendall(data)
    connection.close()  # TCP's end without TLS's
    assert peer.refusal()[:3] == "426"
    assert peer.size(remote) == len(data)


# --- the steps -----------------------------------------------------------------------------------------------------


def tree_up(stage):
    stage.client.upload_tree(stage.local, stage.remote("tree"))
    same_tree(stage.local, stage.on_disk("tree"))


def odd_names_up(stage):
    odd = stage.scratch / "odd"
    make_odd(odd)
    stage.client.upload_tree(odd, stage.remote("odd"))
    landed = {path.name: path.read_bytes() for path in stage.on_disk("odd").iterdir()}
    wanted = {path.name: path.read_bytes() for path in odd.iterdir()}
    assert landed == wanted, f"differ: {sorted(set(landed.items()) ^ set(wanted.items()))}"


def listing(stage):
    odd = stage.scratch / "listed"
    make_odd(odd)
    send_tree(stage.peer, odd, stage.remote("listed"))
    names = set(stage.client.names(stage.remote("listed")))
    assert names == set(os.listdir(odd)), f"differ: {sorted(names ^ set(os.listdir(odd)))}"


def tree_down(stage):
    send_tree(stage.peer, stage.local, stage.remote("given"))
    back = stage.scratch / "back"
    stage.client.download_tree(stage.remote("given"), back)
    same_tree(stage.local, back)


def time_up(stage):
    stage.client.upload_with_time(stage.model, stage.remote("model.bin"))
    landed = stage.on_disk("model.bin")
    assert landed.read_bytes() == stage.model.read_bytes()
    assert int(landed.stat().st_mtime) == _LONG_AGO, landed.stat().st_mtime


def time_down(stage):
    stage.peer.store(stage.remote("timed.bin"), stage.model.read_bytes())
    stage.peer.voidcmd(f"MFMT {stamp(stage.model)} {stage.remote('timed.bin')}")
    local = stage.scratch / "timed.bin"
    stage.client.download_with_time(stage.remote("timed.bin"), local)
    assert local.read_bytes() == stage.model.read_bytes()
    assert int(local.stat().st_mtime) == _LONG_AGO, local.stat().st_mtime


def half_with_a_mark(whole):
    """Half of the file, its first byte changed: still there afterwards, it proves that the half was not sent again."""
    return bytes([whole[0] ^ 0xFF]) + whole[1 : len(whole) // 2]


def resume_up(stage):
    whole = stage.model.read_bytes()
    half = half_with_a_mark(whole)
    interrupt_upload(stage.peer, stage.remote("resumed.bin"), half)
    assert not stage.on_disk("resumed.bin").exists(), "pods see an unfinished upload"
    stage.client.resume_upload(stage.model, stage.remote("resumed.bin"))
    assert stage.on_disk("resumed.bin").read_bytes() == half + whole[len(half) :]


def resume_down(stage):
    whole = stage.model.read_bytes()
    stage.peer.store(stage.remote("long.bin"), whole)
    half, local = half_with_a_mark(whole), stage.scratch / "long.bin"
    local.write_bytes(half)
    stage.client.resume_download(stage.remote("long.bin"), local)
    assert local.read_bytes() == half + whole[len(half) :]


def rename(stage):
    stage.peer.store(stage.remote("before (1) [x].txt"), b"renamed")
    stage.client.rename(stage.remote("before (1) [x].txt"), stage.remote("nach her ä.txt"))
    assert stage.on_disk("nach her ä.txt").read_bytes() == b"renamed"
    assert not stage.on_disk("before (1) [x].txt").exists()


def delete(stage):
    send_tree(stage.peer, stage.local / "Proben", stage.remote("doomed"))
    make_folder(stage.peer, stage.remote("doomed/below"))
    stage.peer.storbinary(f"STOR {stage.remote('doomed/below/file [1]')}", io.BytesIO(b"x"))
    stage.client.delete_tree(stage.remote("doomed"))
    assert not stage.on_disk("doomed").exists()


STEPS = {
    "tree up": tree_up,
    "odd names up": odd_names_up,
    "list": listing,
    "tree down": tree_down,
    "time kept up": time_up,
    "time kept down": time_down,
    "resume up": resume_up,
    "resume down": resume_down,
    "rename": rename,
    "delete": delete,
}


def make_odd(folder):
    folder.mkdir()
    for number, name in enumerate(ODD_NAMES):
        (folder / name).write_bytes(f"{number}\n".encode() * (number + 1))


def make_local_tree(folder):
    dataset.make(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (_LONG_AGO, _LONG_AGO))


class Scenario(unittest.TestCase):
    """Each client's file makes a test of it (and imports the module, not the class, which is no test itself)."""

    clients = ()
    optional_lab = False  # make lab2 too

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["lab1", "lab2"]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")
        cls.passwords = {"lab1": cls.rig.add_user(_MEMBERS["lab1"], "lab1")}
        if cls.optional_lab:
            cls.rig.create_lab("lab2", "1GiB", "--data-tls-resumption", "optional")
            cls.passwords["lab2"] = cls.rig.add_user(_MEMBERS["lab2"], "lab2")
        cls.local = cls.rig.folder / "dataset"
        make_local_tree(cls.local)

    @classmethod
    def host_for(cls, name, lab="lab1"):
        scratch = cls.rig.folder / f"scratch-{name}".replace(" ", "-")
        return Host(cls.rig, lab, _MEMBERS[lab], cls.passwords[lab], scratch)

    def test_scenario(self):
        for client in self.clients:
            host = self.host_for(client.name, client.lab)
            client.start(host)
            peer = self.rig.login(host.user, host.password)
            stage = Stage(self.rig, client, host, self.local, peer)
            results = {}
            for step, play in STEPS.items():
                if step in client.unable:
                    results[step] = client.unable[step]
                    continue
                results[step] = False
                with self.subTest(client=client.name, step=step):
                    try:
                        play(stage)
                    except Exception:
                        print("--- the gateway's words", *self.rig.gateway.log_tail(40), sep="\n", flush=True)
                        raise
                    results[step] = True
                    print(f"{client.name}: {step}: passed", flush=True)
            store(client, results)
            peer.drop()


def store(client, results):
    folder = os.environ.get("STOWAGE_INTEROP_RESULTS")
    if folder:
        entry = {
            "client": client.name,
            "version": client.version(),
            "date": datetime.date.today().isoformat(),
            "steps": results,
        }
        path = pathlib.Path(folder) / (re.sub(r"[^a-z0-9]+", "-", client.name.lower()) + ".json")
        path.write_text(json.dumps(entry, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
