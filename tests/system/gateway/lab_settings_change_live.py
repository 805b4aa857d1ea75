"""What a lab chooses for FTPS (durability, data_tls_resumption) holds from the next transfer on, for sessions that are
there already too; it survives restarts, is shown, planned and applied once."""

import ftplib
import json
import pathlib
import ssl
import subprocess
import sys
import unittest

from stowage_rig import Rig, kill, run_tests, wait_until, write_site


class LabSettingsChangeLive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs="plain").__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))

    def apply(self, **settings):
        site = write_site(self.rig.folder / "site.yaml", [{"name": "lab1", **settings}])
        planned = self.rig.run("plan", str(site))
        applied = self.rig.run("apply", str(site))
        self.assertEqual(applied[0], 0, applied[1])
        self.assertEqual(self.rig.run("plan", str(site))[0], 0)
        return planned

    def ftps(self):
        shown = self.rig.gateway.answer("lab", "show", "lab1")["ftps"]
        return {key: (shown[key]["value"], shown[key]["from"]) for key in ("durability", "data_tls_resumption")}

    def unresumed(self, client):
        """The reply to an upload by a client that cannot resume."""
        client.data_session = lambda _: None
        try:
            return client.store("unresumed", b"x")
        except ssl.SSLError:
            return client.refusal()
        except Exception as refused:  # ftplib's own classes carry the reply
            return str(refused)
        finally:
            client.data_session = lambda client: client.sock.session

    def test_it(self):
        rig = self.rig
        rig.gateway.command("lab", "create", "lab1", "--durability", "none")
        client = rig.login("alice", rig.add_user("alice", "lab1"))
        self.assertEqual(
            self.ftps(), {"durability": ("none", "lab"), "data_tls_resumption": ("required", "configuration")}
        )
        self.assertIn("durability none, data TLS resumption required (default)", rig.run("lab", "show", "lab1")[1])
        self.assertRegex(client.store("one", b"x"), "^226 Complete\\.")
        self.assertRegex(self.unresumed(client), "^522")

        code, planned = self.apply(durability="default", data_tls_resumption="optional")
        self.assertEqual(code, 3)
        self.assertIn(
            "durability full instead of none, data TLS resumption optional instead of required",
            " ".join(planned.split()),
        )
        self.assertEqual(
            self.ftps(), {"durability": ("full", "configuration"), "data_tls_resumption": ("optional", "lab")}
        )
        self.assertRegex(client.store("two", b"x"), "^226 Complete, and safe on disk\\.")
        self.assertRegex(self.unresumed(client), "^226")

        self.apply(durability="none")  # what is left out stays as it is
        self.assertRegex(client.store("three", b"x"), "^226 Complete\\.")
        self.assertRegex(self.unresumed(client), "^226")

        # A controller that comes back tells the supervisor the same.
        controller = rig.processes()["controller"]["pid"]
        kill(controller)
        wait_until(lambda: rig.run("status")[0] == 0 and rig.processes()["controller"]["pid"] != controller)
        self.assertEqual(self.ftps(), {"durability": ("none", "lab"), "data_tls_resumption": ("optional", "lab")})
        self.assertRegex(client.store("four", b"x"), "^226 Complete\\.")

        self.apply(data_tls_resumption="required")
        self.assertRegex(self.unresumed(client), "^522")
        self.assertRegex(client.store("five", b"x"), "^226 Complete\\.")

    def test_lab_set(self):
        rig = self.rig
        rig.gateway.command("lab", "create", "lab2", "--quota", "1GiB", "--durability", "none")
        client = rig.login("carol", rig.add_user("carol", "lab2"))
        self.assertRegex(client.store("one", b"x"), "^226 Complete\\.")

        code, output = rig.run("lab", "set", "lab2", "--durability", "full", "--quota", "2MiB")
        self.assertEqual(code, 0, output)
        self.assertRegex(client.store("two", b"x"), "^226 Complete, and safe on disk\\.")
        # The session that was there before knows the new limit.
        with self.assertRaisesRegex(ftplib.error_perm, "^552 "):
            client.sendcmd("ALLO 3000000")
        self.assertEqual(rig.gateway.answer("lab", "show", "lab2")["quota_bytes"], 2 << 20)

        code, again = rig.run("--json", "lab", "set", "lab2", "--durability", "full", "--quota", "2MiB")
        self.assertEqual(code, 0, again)
        done = {e["step"] for e in map(json.loads, again.splitlines()) if e["event"] == "step" and e["state"] == "done"}
        self.assertFalse(done & {"set_quota", "serve_ftps", "publish_export"}, again)

        rig.run("lab", "set", "lab2", "--quota", "none")
        self.assertRegex(client.sendcmd("ALLO 3000000"), "^200 ")
        self.assertEqual(rig.gateway.answer("lab", "show", "lab2")["ftps"]["durability"]["value"], "full")
        for arguments, code, words in (
            (("lab9", "--quota", "1GiB"), 1, "there is no lab lab9"),
            (("lab2",), 2, "needs something to set"),
            (("lab2", "--clients", "10.1.2.3/8"), 2, "10.1.2.3/8"),
            (("lab2", "--client-ca", "/nowhere.pem"), 2, "/nowhere.pem"),
        ):
            refused, output = rig.run("lab", "set", *arguments)
            self.assertIn(words, output)
            self.assertEqual(refused, code, output)

    def test_words_are_checked(self):
        code, output = self.rig.run("lab", "create", "lab2", "--durability", "half")
        self.assertEqual(code, 2, output)
        self.assertIn("half", output)
        site = write_site(self.rig.folder / "bad.yaml", [{"name": "lab2", "data_tls_resumption": "sometimes"}])
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 78, output)
        self.assertIn("data_tls_resumption", output)
        self.assertIn("required, optional, default", output)


# Runs as the lab does over NFS: root's folder is renamed away, and nothing of its kind can be made again.
POD = """
import os
os.rename(".stowage", "moved")
def until_full(make):
    number = 0
    try:
        while True:
            make(number)
            number += 1
    except OSError as refused:
        print(refused.strerror)
with open("fill", "wb") as file:
    def grow(_):
        file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    until_full(grow)
def small(number):
    with open(f"small{number}", "wb") as file:
        file.write(b"x" * 1000)
until_full(small)
until_full(lambda number: os.mkdir(f"directory{number}"))
"""


class FullLabsChangeToo(unittest.TestCase):
    """A pod that keeps root from mending its lab keeps nothing else from being changed, its own access first."""

    def test_it(self):
        with Rig(labs="btrfs", size="1GiB") as rig:
            lab = rig.create_lab("lab1", "64MiB", "--clients", "127.0.0.0/8,10.0.0.0/8")
            client = rig.login("alice", rig.add_user("alice", "lab1"))
            exports = pathlib.Path(rig.gateway.settings["state_dir"], "ganesha", "exports", "lab1.conf")
            self.assertIn("10.0.0.0/8", exports.read_text(encoding="ascii"))
            pod = subprocess.run(
                [sys.executable, "-c", POD],
                cwd=lab["directory"],
                user=lab["uid"],
                group=lab["uid"],
                extra_groups=[],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            self.assertEqual(set(pod.stdout.split("\n")), {"Disk quota exceeded", ""})

            code, output = rig.run("lab", "set", "lab1", "--clients", "127.0.0.0/8,10.9.9.0/24")
            self.assertEqual(code, 1, output)  # the directory cannot be mended, and that is told
            self.assertIn("mkdir .stowage", output)
            served = exports.read_text(encoding="ascii")
            self.assertIn("10.9.9.0/24", served, output)
            self.assertNotIn("10.0.0.0/8", served, output)

            code, output = rig.run("lab", "set", "lab1", "--data-tls-resumption", "optional")
            shown = rig.gateway.answer("lab", "show", "lab1")["ftps"]["data_tls_resumption"]
            self.assertEqual(shown["value"], "optional", output)
            client.data_session = lambda _: None
            with self.assertRaisesRegex(ftplib.error_perm, "^55"):  # no room, and not 522
                client.store("unresumed", b"x" * 5_000_000)

            code, output = rig.run("lab", "set", "lab1", "--quota", "128MiB")
            self.assertRegex(output, "quota 128MiB", output)
            wait_until(lambda: rig.run("apply", "lab1")[0] == 0 or rig.run("lab", "set", "lab1", "--quota", "128MiB")[0] == 0)
            self.assertTrue(pathlib.Path(lab["directory"], ".stowage", "lab").exists())


if __name__ == "__main__":
    run_tests()
