"""FileZilla of Debian 12, the real program with its default settings: explicit and implicit TLS, two connections at a
time, odd names, uploads into folders that it makes itself."""

import shutil
import unittest

import filezilla
from filezilla import EXPLICIT, IMPLICIT, FileZilla
from stowage_rig import Rig, run_tests, skip

FILES = {
    "small file.txt": b"hello\n" * 100,
    "Größe (µm).bin": b"\0\xff" * 40_000,
    "empty": b"",
    "model.bin": bytes(range(256)) * 12_000,
    "brackets [1].dat": b"x" * 5_000,
}


class FileZillaWorks(unittest.TestCase):
    def test_uploads(self):
        with Rig(departments=["lab1"]) as rig:
            rig.create_lab("lab1")
            password = rig.add_user("alice", "lab1")
            local, lab = rig.folder / "local", rig.labs / "lab1"
            local.mkdir()
            for name, data in FILES.items():
                (local / name).write_bytes(data)

            for name, protocol, port in (
                ("explicit", EXPLICIT, rig.ports.ftps),
                ("implicit", IMPLICIT, rig.ports.ftps_implicit),
            ):
                with self.subTest(name):
                    up = FileZilla(rig.folder / f"home-{name}")
                    server = up.add_server(port, "alice", password, protocol)
                    for path in local.iterdir():
                        up.add_upload(server, path, f"/uploads/{name}")
                    log = up.process()
                    self.assertEqual(up.successes(), len(FILES), log)
                    self.assertNotIn("resum", log.lower(), "FileZilla warns of a data connection that was not resumed")
                    for file, data in FILES.items():
                        self.assertEqual((lab / "uploads" / name / file).read_bytes(), data)


if __name__ == "__main__":
    missing = [program for program in filezilla.NEEDED if not shutil.which(program)]
    if missing:
        skip(f"not installed: {', '.join(missing)}")
    run_tests()
