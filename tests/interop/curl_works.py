"""curl of Debian 12: explicit and implicit, TLS 1.2 and 1.3: up, verify, resume, parallel, list, rename, delete."""

import shutil
import subprocess
import unittest
from urllib.parse import quote

from stowage_rig import Rig, run_tests, skip
from tour import dataset

TLS = {"1.2": ["--tlsv1.2", "--tls-max", "1.2"], "1.3": ["--tlsv1.3"]}


class CurlWorks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["lab1"]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")
        cls.password = cls.rig.add_user("alice", "lab1")
        cls.local = cls.rig.folder / "dataset"
        dataset.make(cls.local)
        cls.big = cls.local / "weights" / "model 1.bin"

    def curl(self, *words, ok=True):
        command = [
            "curl",
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--cacert",
            str(self.rig.gateway.certificate),
            "--config",
            "-",
            *words,
        ]
        done = subprocess.run(
            command, input=f'user = "alice:{self.password}"\n'.encode(), capture_output=True, timeout=60, check=False
        )
        if ok:
            self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def url(self, path, implicit=False):
        ports = self.rig.ports
        return f"ftps://127.0.0.1:{ports.ftps_implicit}/{path}" if implicit else f"ftp://127.0.0.1:{ports.ftps}/{path}"

    def test_up_and_down(self):
        for version, words in TLS.items():
            for implicit in (False, True):
                with self.subTest(version=version, implicit=implicit):
                    name = f"tls-{version}-{implicit}.bin"
                    self.curl(*words, "--upload-file", str(self.big), self.url(name, implicit))
                    self.assertEqual((self.rig.labs / "lab1" / name).read_bytes(), self.big.read_bytes())
                    self.assertEqual(self.curl(*words, self.url(name, implicit)).stdout, self.big.read_bytes())

    def test_tree(self):
        paths = [path for path in self.local.rglob("*") if path.is_file() and path.stat().st_size]
        for path in paths:
            remote = quote(f"tree/{path.relative_to(self.local)}")
            self.curl("--ftp-create-dirs", "--globoff", "--upload-file", str(path), self.url(remote))
        for path in paths:
            landed = self.rig.labs / "lab1" / "tree" / path.relative_to(self.local)
            self.assertEqual(landed.read_bytes(), path.read_bytes())

    def test_resume(self):
        half = self.rig.folder / "half.bin"
        half.write_bytes(self.big.read_bytes()[:1_000_000])
        self.curl("--upload-file", str(half), self.url("resumed.bin"))
        self.curl("--continue-at", "-", "--upload-file", str(self.big), self.url("resumed.bin"))
        self.assertEqual((self.rig.labs / "lab1" / "resumed.bin").read_bytes(), self.big.read_bytes())
        down = self.rig.folder / "down.bin"
        down.write_bytes(self.big.read_bytes()[:123_456])
        self.curl("--continue-at", "-", "--output", str(down), self.url("resumed.bin"))
        self.assertEqual(down.read_bytes(), self.big.read_bytes())

    def test_parallel(self):
        """curl mixes the TLS sessions of its parallel connections."""
        for version, words in TLS.items():
            with self.subTest(version):
                more = []
                for number in range(6):
                    more += ["--upload-file", str(self.big), self.url(f"parallel-{version}-{number}")]
                self.curl(*words, "--parallel", "--parallel-immediate", *more)
                for number in range(6):
                    landed = self.rig.labs / "lab1" / f"parallel-{version}-{number}"
                    self.assertEqual(landed.read_bytes(), self.big.read_bytes())

    def test_active_mode(self):
        """curl before 8.0 forgets TLS on data connections that it accepted, and sends the file in the clear."""
        done = self.curl("--ftp-port", "127.0.0.1", "--upload-file", "/etc/os-release", self.url("active"), ok=False)
        stored = (self.rig.labs / "lab1" / "active").exists()
        version = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        works = int(version.split(".")[0]) >= 8
        self.assertEqual((done.returncode == 0, stored), (works, works), done.stderr.decode())

    def test_list_rename_delete(self):
        self.curl("--upload-file", "/etc/os-release", "--ftp-create-dirs", self.url("listed/fileone"))
        self.assertIn(b"fileone", self.curl(self.url("listed/")).stdout)
        self.assertEqual(self.curl("--list-only", self.url("listed/")).stdout.split(), [b"fileone"])
        self.curl(self.url("listed/"), "--quote", "RNFR /listed/fileone", "--quote", "RNTO /listed/renamed")
        self.assertEqual([path.name for path in (self.rig.labs / "lab1" / "listed").iterdir()], ["renamed"])
        self.curl(self.url(""), "--quote", "DELE /listed/renamed", "--quote", "RMD /mnt/nfs/listed")
        self.assertFalse((self.rig.labs / "lab1" / "listed").exists())

    def test_plain_text_is_refused(self):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--config", "-", self.url("")],
            check=False,
            input=f'user = "alice:{self.password}"\n'.encode(),
            capture_output=True,
            timeout=30,
        )
        self.assertEqual(done.returncode, 67, done.stderr)

    def test_unknown_certificate_is_refused_by_curl(self):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--ssl-reqd", "--config", "-", self.url("")],
            check=False,
            input=f'user = "alice:{self.password}"\n'.encode(),
            capture_output=True,
            timeout=30,
        )
        self.assertEqual(done.returncode, 60, done.stderr)


if __name__ == "__main__":
    if not shutil.which("curl"):
        skip("curl is not installed")
    run_tests()
