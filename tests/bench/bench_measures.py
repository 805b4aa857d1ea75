"""The bench works: a small run of it measures every scenario on stowage, and on the peers where their packages are."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from stowage_rig import need_root, run_tests

BENCH = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("STOWAGE_BENCH_CACHE", "/var/tmp/stowage-bench"))
SMALL = {
    "rounds": 1,
    "file-bytes": 4 << 20,
    "files": 16,
    "unpacked-files": 20,
    "entries": 300,
    "logins": 4,
    "sessions": 5,
}


class BenchMeasures(unittest.TestCase):
    def test_every_scenario(self):
        servers = ["stowage", "stowage, not durable"]
        if (CACHE / "root").exists():
            servers += ["vsftpd", "ProFTPD", "Pure-FTPd"]
        words = [word for key, value in SMALL.items() for word in (f"--{key}", str(value))]
        words += [word for name in servers for word in ("--server", name)]
        with tempfile.TemporaryDirectory() as folder:
            results, chart = pathlib.Path(folder, "results.json"), pathlib.Path(folder, "chart.svg")
            build = pathlib.Path(os.environ["STOWAGE_BIN"]).parent
            ran = subprocess.run(
                [BENCH / "run", *words, "--build", build, "--cache", CACHE, "--json", results, "--chart", chart],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            runs = json.loads(results.read_text(encoding="utf-8"))["runs"]
            self.assertGreater(runs["put"]["stowage"][0]["cpu_per_gb"], 0)
            self.assertGreater(runs["put"]["limit"][0]["rate"], 0)
            self.assertEqual(len(runs), 14)
            for servers_of_it in runs.values():
                self.assertIn("stowage", servers_of_it)
            self.assertIn("| upload, one connection | GB/s | stowage |", ran.stdout)
            self.assertIn("</svg>", chart.read_text(encoding="utf-8"))


if __name__ == "__main__":
    need_root()
    run_tests()
