"""What a lab chooses for FTPS (durability, data_tls_resumption) holds from the next transfer on, for sessions that are
there already too; it survives restarts, is shown, planned and applied once."""

import ftplib
import json
import ssl
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
            (("lab2", "--client-ca", "/nowhere.pem"), 1, "/nowhere.pem"),
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


if __name__ == "__main__":
    run_tests()
