"""The bench works: a small run of it measures every scenario on stowage, and one on the peers where they are unpacked."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from stowage_rig import need_root, run_tests

BENCH = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["STOWAGE_BIN"]).parent
CACHE = pathlib.Path(os.environ.get("STOWAGE_BENCH_CACHE", "/var/tmp/stowage-bench"))
PEERS = ["vsftpd", "ProFTPD", "Pure-FTPd"]
SMALL = {
    "rounds": 1,
    "file-bytes": 4 << 20,
    "files": 16,
    "unpacked-files": 20,
    "entries": 300,
    "logins": 4,
    "sessions": 5,
    "client-files": 4,
    "labs": 4,
}


def measure(folder, servers, *more):
    """(what was printed, the results, the chart)"""
    results, chart = pathlib.Path(folder, "results.json"), pathlib.Path(folder, "chart.svg")
    words = [word for key, value in SMALL.items() for word in (f"--{key}", str(value))]
    words += [word for name in servers for word in ("--server", name)]
    command = [BENCH / "run", *words, *more, "--build", BUILD, "--cache", CACHE, "--json", results, "--chart", chart]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return printed, json.loads(results.read_text(encoding="utf-8")), chart.read_text(encoding="utf-8")


class BenchMeasures(unittest.TestCase):
    def test_every_scenario(self):
        with tempfile.TemporaryDirectory() as folder:
            printed, results, chart = measure(folder, ["stowage, not durable"])
        runs = results["runs"]
        self.assertEqual(len(runs), 23)
        for name, servers in runs.items():
            self.assertTrue(servers["stowage, not durable"], name)
        self.assertGreater(runs["put"]["stowage, not durable"][0]["cpu_per_gb"], 0)
        self.assertGreater(runs["put"]["limit"][0]["rate"], 0)
        self.assertGreater(runs["get-small8"]["limit"][0]["cpu_per_file"], 0)
        self.assertIn("| upload, one connection | GB/s | stowage, not durable |", printed)
        self.assertIn("</svg>", chart)

    @unittest.skipUnless((CACHE / "root").exists(), f"no servers are unpacked in {CACHE}: tests/bench/run does that")
    def test_peers(self):
        with tempfile.TemporaryDirectory() as folder:
            _, results, _ = measure(folder, ["stowage", *PEERS], "--scenario", "put-small")
        for name in PEERS:
            self.assertGreater(results["runs"]["put-small"][name][0]["cpu_per_file"], 0, name)


if __name__ == "__main__":
    need_root()
    run_tests()
