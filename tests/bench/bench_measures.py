"""The bench works: a small run of it measures every scenario on stowage, and one on the peers where they are unpacked;
what goes wrong is refused before it begins, or recorded."""

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

from stowage_rig import need_root, run_tests

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
import own_network  # noqa: E402  pylint: disable=wrong-import-position
from measuring import measure_scenarios  # noqa: E402  pylint: disable=wrong-import-position
from page import BEGIN, END  # noqa: E402  pylint: disable=wrong-import-position
from scenarios import PEERS, SCENARIOS, VARIANTS  # noqa: E402  pylint: disable=wrong-import-position
from targets import TARGETS  # noqa: E402  pylint: disable=wrong-import-position

BUILD = pathlib.Path(os.environ["STOWAGE_BIN"]).parent
CACHE = pathlib.Path(os.environ.get("STOWAGE_BENCH_CACHE", "/var/tmp/stowage-bench"))
SMALL = {
    "rounds": 1,
    "file-bytes": 4 << 20,
    "files": 16,
    "unpacked-files": 20,
    "entries": 300,
    "logins": 4,
    "sessions": 5,
    "client-files": 4,
    "curl-files": 4,
    "labs": 4,
}
NOT_DURABLE = "stowage, not durable"


def run(*words, **more):
    command = [BENCH / "run", *words, "--build", more.pop("build", BUILD), "--cache", CACHE]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def words_of(sizes):
    return [word for key, value in sizes.items() for word in (f"--{key}", str(value))]


def measure(folder, servers, *more, **how):
    """(what was printed, the results, the chart, the page)"""
    results, chart, page = (pathlib.Path(folder, name) for name in ("results.json", "chart.svg", "page.md"))
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    words = [*words_of(SMALL), *(word for name in servers for word in ("--server", name)), *more]
    done = run(*words, "--json", results, "--chart", chart, "--page", page, **how)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    read = [path.read_text(encoding="utf-8") for path in (results, chart, page)]
    return done.stdout, json.loads(read[0]), *read[1:]


def why_no_network():
    try:
        with own_network.own_network():
            return ""
    except SystemExit as refused:
        return str(refused)


_WHY_NO_NETWORK = why_no_network()
needs_a_network = unittest.skipIf(_WHY_NO_NETWORK, _WHY_NO_NETWORK)


class BenchMeasures(unittest.TestCase):
    @needs_a_network
    def test_every_scenario(self):
        with tempfile.TemporaryDirectory() as folder:
            printed, results, chart, page = measure(folder, list(VARIANTS), "--no-warm-up")
            again = run("--from-json", pathlib.Path(folder, "results.json"), "--page", pathlib.Path(folder, "page.md"))
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(pathlib.Path(folder, "page.md").read_text(encoding="utf-8"), page)
        runs = results["runs"]
        self.assertEqual(list(runs), list(SCENARIOS))
        for name, servers in runs.items():
            for server, rounds in servers.items():
                self.assertEqual([run.get("failed") for run in rounds], [None], (name, server))
        self.assertGreater(runs["put"]["stowage"][0]["cpu_per_gb"], 0)
        for name in ("put", "get", "put8", "get8", "put64-by-1", "put64-by-8", "put64", "get64-by-1", "get64"):
            self.assertGreater(runs[name]["limit"][0]["rate"], 0, name)
        for name, limit in (("put-small", "limit, durable"), ("put-small8", "limit, durable"), ("get-small8", "limit")):
            self.assertGreater(runs[name][limit][0]["cpu_per_file"], 0, name)
        self.assertEqual(results["machine"]["options"]["file_bytes"], SMALL["file-bytes"])
        # Whatever this machine has: by BBR 64 sessions cost a fifth more than one.
        self.assertEqual(results["machine"]["tcp"]["tcp_congestion_control"], "cubic")
        self.assertIn("| upload, one connection | GB/s | stowage |", printed)
        self.assertIn("</svg>", chart)
        self.assertTrue(page.startswith("before\n") and page.endswith("\nafter\n"), page)
        self.assertNotIn("\nold\n", page)
        self.assertIn("| large upload, CPU | ≤ 1.15 × | the limit |", page)

    def test_the_documented_page_and_chart_are_those_of_the_documented_results(self):
        """Remedy: tests/bench/run --from-json deploy/docs/performance.json --page … --chart … with the two."""
        documented = BENCH.parents[1] / "deploy" / "docs" / "performance.md"
        with tempfile.TemporaryDirectory() as folder:
            page, chart = (pathlib.Path(folder, name) for name in ("page.md", "chart.svg"))
            page.write_bytes(documented.read_bytes())
            done = run("--from-json", documented.with_suffix(".json"), "--page", page, "--chart", chart)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(page.read_text(encoding="utf-8"), documented.read_text(encoding="utf-8"))
            self.assertEqual(chart.read_bytes(), documented.with_suffix(".svg").read_bytes())

    @needs_a_network
    @unittest.skipUnless((CACHE / "root").exists(), f"no servers are unpacked in {CACHE}: tests/bench/run does that")
    def test_peers(self):
        with tempfile.TemporaryDirectory() as folder:
            _, results, _, page = measure(folder, ["stowage", *PEERS], "--scenario", "put-small", "--rounds", "2")
        for name in PEERS:
            runs = results["runs"]["put-small"][name]
            self.assertEqual([run["round"] for run in runs if "cpu_per_file" in run], [1, 2])
        self.assertRegex(page, r"\| small files up, one connection, durable, rate \| ≥ 1 × \|[^|]+\|[^|]+\| \d")

    def test_a_late_scenario_has_three_rounds_too(self):
        one = types.SimpleNamespace(title="one", warms_up=False, rounds=5, least_rounds=3, run=lambda server, sizes: {"rate": 1.0})
        with tempfile.TemporaryDirectory() as folder:
            server = types.SimpleNamespace(name="server", home=pathlib.Path(folder))
            sizes = types.SimpleNamespace(rounds=None, no_warm_up=True)
            parts = {"one": (one, [server])}
            measured = {over: measure_scenarios(parts, sizes, lambda: over)["one"] for over in (True, False)}
        self.assertEqual([len(measured[over]["server"]) for over in (True, False)], [3, 5])

    def test_what_is_compared_is_measured_in_turn(self):
        turns = []
        parts = {}
        with tempfile.TemporaryDirectory() as folder:
            server = types.SimpleNamespace(name="server", home=pathlib.Path(folder))
            for name in ("few", "many"):
                run = lambda server, sizes, name=name: turns.append(name) or {"rate": 1.0}  # noqa: E731
                parts[name] = (types.SimpleNamespace(title=name, warms_up=False, rounds=3, least_rounds=3, run=run), [server])
            measured = measure_scenarios(parts, types.SimpleNamespace(rounds=None, no_warm_up=True), lambda: False)
        self.assertEqual(turns, ["few", "many", "many", "few", "few", "many"])
        self.assertEqual([run["round"] for run in measured["many"]["server"]], [1, 2, 3])

    # A directory of more names is the one that need not take turns: its growth is far from the bound.
    def test_growth_with_sessions_and_labs_is_measured_nine_times_and_in_turn(self):
        growing = [target for target in TARGETS if target.figure == "growth" and target.quantity != "cpu_per_entry"]
        self.assertGreaterEqual(len(growing), 4)
        for target in growing:
            both = SCENARIOS[target.scenario], SCENARIOS[target.base]
            self.assertEqual({scenario.least_rounds for scenario in both}, {9}, target.title)
            self.assertEqual(len({scenario.together for scenario in both} - {""}), 1, target.title)

    @needs_a_network
    def test_a_run_that_fails_is_recorded_and_the_others_go_on(self):
        with tempfile.TemporaryDirectory() as folder:
            # An lftp that ends at once, and one that is not there to be asked for a version.
            broken = pathlib.Path(folder, "lftp")
            broken.write_text("#!/bin/sh\necho broken >&2; exit 3\n", encoding="ascii")
            broken.chmod(stat.S_IRWXU)
            printed, results, _, page = measure(
                folder,
                ["stowage"],
                *("--scenario", "put-small-lftp", "--scenario", "put-small", "--rounds", "2"),
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
            )
        failed = results["runs"]["put-small-lftp"]["stowage"]
        self.assertEqual([run["round"] for run in failed if "broken" in run["failed"]], [1, 2])
        self.assertEqual(len([run for run in results["runs"]["put-small"]["stowage"] if "cpu_per_file" in run]), 2)
        self.assertIn("| small files up, lftp | failed | stowage | round 1:", printed)
        self.assertIn("| small files up, lftp | failed | failed: 2 of 2 |", page)

    @needs_a_network
    def test_the_network_of_a_run_is_its_own_and_this_machine_keeps_its_settings(self):
        namespace = lambda: os.readlink("/proc/thread-self/ns/net")  # noqa: E731
        before, place = own_network.settings(), namespace()
        with own_network.own_network():
            self.assertNotEqual(namespace(), place)
            child = subprocess.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True)
            self.assertEqual(child.stdout.strip(), namespace())
            self.assertEqual(own_network.settings(), own_network.AS_DEBIAN)
            with socket.create_server(("127.0.0.1", 0)) as listening:
                with socket.create_connection(listening.getsockname()) as connected:
                    used = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        self.assertEqual(used.rstrip(b"\0"), b"cubic")
        self.assertEqual((own_network.settings(), namespace()), (before, place))

    @needs_a_network
    def test_where_it_cannot_be_set_up_the_run_is_refused_and_this_machine_keeps_its_own(self):
        place = os.readlink("/proc/thread-self/ns/net")
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}), self.assertRaises(SystemExit) as refused:
            with own_network.own_network():
                self.fail("there is no ip(8)")
        self.assertIn("\n  remedy: ", str(refused.exception))
        self.assertEqual(os.readlink("/proc/thread-self/ns/net"), place)

    # Without the handler of SIGTERM files stay; where a wait for the load client is not called off, it takes ten minutes.
    @needs_a_network
    def test_a_run_that_is_ended_leaves_nothing(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)  # workers have other uids
            words = ["--server", NOT_DURABLE, "--scenario", "get", "--file-bytes", str(1 << 20)]
            run_for_long = [BENCH / "run", *words, "--rounds", "100000", "--build", BUILD]
            place = {**os.environ, "TMPDIR": folder}
            with subprocess.Popen(run_for_long, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=place) as running:
                for line in running.stderr:
                    if b"round 3" in line:
                        break
                running.terminate()
                running.stderr.read()
                self.assertEqual(running.wait(120), 128 + signal.SIGTERM)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_what_cannot_be_is_refused_with_a_remedy_before_anything_starts(self):
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder, "text")
            text.write_text("{}", encoding="ascii")
            for words, named in (
                (("--rounds", "0"), "--rounds 0"),
                (("--files", "4"), "--files 4"),
                (("--labs", "0"), "--labs 0"),
                (("--budget", "0"), "--budget 0"),
                (("--server", "vsftp"), "--server 'vsftp'"),
                (("--server", "vsftpd"), "stowage's certificate"),
                (("--scenario", "puts"), "--scenario 'puts'"),
                (("--json", f"{folder}/none/x"), "--json"),
                (("--page", f"{folder}/none.md"), "--page"),
                (("--from-json", f"{folder}/none"), "--from-json"),
                (("--from-json", text), "not results"),
            ):
                done = run(*words)
                self.assertEqual((done.returncode, done.stdout), (1, ""), words)
                self.assertIn(named, done.stderr)
                self.assertIn("\n  remedy: ", done.stderr)
            done = run("--scenario", "put", build=folder)
            self.assertIn("bin/stowage is not there\n  remedy: ", done.stderr)
        listed = run("--list").stdout.splitlines()
        self.assertIn(f"  {NOT_DURABLE}", listed)

    def test_the_load_client_refuses_what_it_does_not_know(self):
        for name, *words in (("bench_load", "nonsense"), ("bench_bare_loop", "neither"), ("bench_bare_session",)):
            command = [BUILD / "tests" / name, *words]
            waits_for_a_password = {"stdin": subprocess.PIPE, "timeout": 20}
            done = subprocess.run(command, capture_output=True, text=True, check=False, **waits_for_a_password)
            self.assertEqual(done.returncode, 2, name)
            self.assertIn("Usage: ", done.stderr)


if __name__ == "__main__":
    need_root()
    run_tests()
