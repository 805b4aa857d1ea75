"""Bad input to a running gateway: an error that names what, where and the remedy; a non-zero exit; nothing half-done."""

import unittest

from stowage_rig import Failed, Rig, run_tests, write_site
from tour import mounts

USAGE, FAILED, CONFIG = 2, 1, 78


class BadCommands(unittest.TestCase):
    """Against a running gateway: nothing changes."""

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")

    def tearDown(self):
        labs = self.rig.gateway.answer("lab", "list")["labs"]
        self.assertEqual([lab["name"] for lab in labs], ["lab1"], "something was half-done")
        self.assertEqual(sorted(path.name for path in self.rig.labs.iterdir()), [".stowage-root", "lab1"])
        self.assertEqual(len(self.rig.stand_in.data_sources()), 1)

    def assert_refused(self, *words, codes=(USAGE,), naming=""):
        code, output = self.rig.run(*words)
        self.assertIn(code, codes, output)
        self.assertIn(naming, output)
        self.assertRegex(output.lower(), r"remedy|see stowage|--help", output)

    def test_lab_names(self):
        for name in ("..", "/", "a/b", "", "Lab", "1lab", "-lab", "lab_1", "läb", "a" * 58, "a" * 300, "lab 1", "a\nb"):
            with self.subTest(name=name[:20]):
                self.assert_refused("lab", "create", "--", name)

    def test_quotas(self):
        for text in ("-1", "1e30", "ten", "10XiB", "", "0", "99999999999999TiB", "1.2.3G", "10 TiB "):
            with self.subTest(text=text):
                self.assert_refused("lab", "create", "lab2", f"--quota={text}", naming="quota")

    def test_inodes(self):
        for text in ("-1", "1e30", "50MiB", "many"):
            with self.subTest(text=text):
                self.assert_refused("lab", "create", "lab2", f"--inodes={text}", naming="inodes")

    def test_networks(self):
        for text in (
            "10.0.0.0/33",
            "10.0.0",
            "300.1.1.1/8",
            "10.0.0.0/-1",
            "host.example/24",
            "*",
            "10.0.0.0/8(rw)",
            "10.0.0.0/8 0.0.0.0/0",
            "fe80::/129",
        ):
            with self.subTest(text=text):
                self.assert_refused("lab", "create", "lab2", f"--clients={text}")

    def test_site_files(self):
        folder = self.rig.folder
        cases = {
            "unknown key": ("labs:\n  - name: lab1\n    quotta: 1GiB\n", "quotta"),
            "duplicate lab": ("labs:\n  - name: lab2\n  - name: lab2\n", "lab2"),
            "broken": ("labs:\n  - name: [\n", ""),
            "no map": ("- just\n- a list\n", ""),
            "bad name": ("labs:\n  - name: ../etc\n", "../etc"),
            "user of no lab": ("labs: []\nusers:\n  - {name: bob, lab: nowhere}\n", "nowhere"),
            "unknown top": ("laboratories: []\n", "laboratories"),
        }
        for what, (text, naming) in cases.items():
            with self.subTest(what):
                path = folder / "bad-site.yaml"
                path.write_text(text, encoding="utf-8")
                for command in ("plan", "apply"):
                    code, output = self.rig.run(command, str(path))
                    self.assertIn(code, (FAILED, USAGE, CONFIG), output)
                    self.assertIn(naming, output)
                    if what != "user of no lab":
                        self.assertRegex(output, r"bad-site\.yaml:\d+")

    def test_missing_site_file(self):
        code, output = self.rig.run("apply", "/nowhere/site.yaml")
        self.assertNotEqual(code, 0)
        self.assertIn("/nowhere/site.yaml", output)

    def test_existing_lab(self):
        self.assert_refused("lab", "create", "lab1", codes=(FAILED,), naming="lab1")

    def test_unknown_lab_and_user(self):
        for words in (
            ("lab", "show", "nowhere"),
            ("lab", "delete", "nowhere"),
            ("verify", "nowhere"),
            ("user", "add", "eve", "--lab", "nowhere"),
            ("user", "passwd", "nobody"),
            ("user", "remove", "nobody"),
        ):
            with self.subTest(words=words):
                self.assert_refused(*words, codes=(FAILED,))

    def test_purge_without_confirmation(self):
        (self.rig.labs / "lab1" / "keep").write_text("me")
        code, output = self.rig.run("lab", "delete", "lab1", "--purge-data")
        self.assertNotEqual(code, 0, output)
        code, output = self.rig.run("lab", "delete", "lab1", "--purge-data", "--confirm", "lab2")
        self.assertNotEqual(code, 0, output)
        self.assertTrue((self.rig.labs / "lab1" / "keep").exists())

    def test_delete_while_in_use(self):
        self.rig.stand_in.call("POST", "/_stand_in/used_by", {"name": "lab1-nfs", "workspaces": ["training-7"]})
        code, output = self.rig.run("lab", "delete", "lab1")
        self.rig.stand_in.call("POST", "/_stand_in/used_by", {"name": "lab1-nfs", "workspaces": []})
        self.assertEqual(code, FAILED, output)
        self.assertIn("training-7", output)

    def test_second_gateway_on_the_same_state(self):
        owner = (self.rig.folder / "state" / "controller").stat().st_uid
        with self.assertRaises(Failed) as refused:
            second = self.rig.another_gateway(self.rig.folder)
            second.log_path = self.rig.folder / "second.log"
            second.settings["process.controller_user"] = str(owner - 7)
            second.start()
        self.assertEqual(second.child.popen.returncode, CONFIG)
        self.assertEqual((self.rig.folder / "state" / "controller").stat().st_uid, owner, "the running one's")
        self.assertIn("another gateway", "\n".join(refused.exception.details))


class ForeignDirectory(unittest.TestCase):
    def test_lab_directory_with_foreign_files(self):
        with Rig(departments=["lab1", "lab2"]) as rig:
            foreign = rig.labs / "lab2" / "thesis.tex"
            foreign.parent.mkdir()
            foreign.write_text("years of work")
            before = foreign.stat()
            code, output = rig.run("lab", "create", "lab2")
            self.assertEqual(code, FAILED, output)
            self.assertIn("lab2", output)
            self.assertIn("remedy: choose another lab name, or move that directory away", output)
            site = write_site(rig.folder / "site.yaml", [{"name": "lab2"}])
            self.assertEqual(rig.run("apply", str(site))[0], FAILED)
            self.assertEqual(rig.gateway.answer("lab", "list")["labs"], [], "nothing is stored")
            after = foreign.stat()
            self.assertEqual(
                (before.st_uid, before.st_mode, before.st_mtime_ns), (after.st_uid, after.st_mode, after.st_mtime_ns)
            )
            self.assertEqual(rig.stand_in.data_sources(), [])
            self.assertEqual(foreign.parent.stat().st_uid, 0)


class FullDisk(unittest.TestCase):
    def test_full_state_filesystem(self):
        """The database cannot grow: the command fails with words, and works again when there is room."""
        with Rig(departments=["lab1"], start=False) as rig:
            small = rig.folder / "state"
            small.mkdir()
            rig.journal.record("mount", path=str(small))
            mounts.run("mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", str(small))
            rig.gateway.start()
            filler = small / "filler"
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                except OSError:
                    pass
                try:
                    while True:
                        file.write(b"x")
                except OSError:
                    pass
            code, output = rig.run("lab", "create", "lab1")
            self.assertNotEqual(code, 0, output)
            self.assertRegex(output.lower(), "space|full|disk")
            filler.unlink()
            site = write_site(rig.folder / "site.yaml", [{"name": "lab1", "quota": "1GiB"}])
            code, output = rig.run("apply", str(site))
            self.assertEqual(code, 0, output)
            self.assertEqual(len(rig.stand_in.data_sources()), 1)


if __name__ == "__main__":
    run_tests()
