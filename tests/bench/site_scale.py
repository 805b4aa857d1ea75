#!/usr/bin/python3 -B
"""How a site grows: `apply` from nothing, the second one, and a plan of the same, in seconds, CPU seconds of the
gateway and calls of Run:ai's API.

    sudo tests/bench/site_scale.py [--labs 200] [--users 2000] [--rounds 5] [--json FILE]

A gateway of its own with a stand-in for Run:ai; labs lie in a plain directory, people have no FTPS account (a password
hash takes 18 ms by design, which is no matter of Run:ai).
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import sys
import time

from choices import SOURCE, refuse

HEAD = """
node_pools:
  - {name: prod, label: example.org/pool=prod}
  - {name: dev, label: example.org/pool=dev}
defaults:
  quota: none
  inodes: none
  clients: [127.0.0.0/8]
  gpus: {prod: 1}
compute_resources:
  - gpus: 0..8
"""
KINDS = 11  # token, clusters, pools, departments, projects, compute, roles, users, rules, data sources, and one to spare
PAGE = 500
SHOWN = {"seconds": "s", "cpu": "CPU s", "calls": "calls", "writes": "writes"}
LONGEST = 1800  # seconds of one command, on a busy machine


def site_text(labs, users):
    lines = [HEAD, "labs:"]
    lines += [f"  - name: lab{number}" for number in range(labs)]
    lines.append("users:")
    lines += [f"  - {{email: user{n}@example.org, lab: lab{n % labs}, ftps: none}}" for n in range(users)]
    return "\n".join(lines) + "\n"


def pages_at_most(labs, users):
    """Calls of a look at all of it: one for each kind, and one more for each full page."""
    return KINDS + sum(count // PAGE for count in (labs, labs, users, 3 * users))


def looks(rig, expected):
    """Lists of access rules, which a look at all of it reads last: those of the watch behind an apply are awaited, so
    that they fall into the count of that apply and of nothing else."""
    from stowage_rig import wait_until  # pylint: disable=import-outside-toplevel

    return wait_until(lambda: rig.stand_in_log()["counts"].get("get_access_rules", 0) >= expected, LONGEST, "a look")


def measure(labs, users, version, rounds=1):
    """{"apply": {"seconds", "lowest", "highest", "cpu", "calls", "writes"}, "again": …, "plan": …}, medians where there
    are several rounds, and most calls and writes. CPU is that of all of the gateway's processes, with those that have
    ended, and with what the watch does behind an apply; the stand-in's is not in it."""
    from accounting import Group  # pylint: disable=import-outside-toplevel
    from site_story import SiteRig  # pylint: disable=import-outside-toplevel

    group = Group("site")
    settings = {"reconcile_interval": "1h", "log_level": "info"}
    with contextlib.ExitStack() as leaving, SiteRig(version, labs="plain", settings=settings, start=False) as rig:
        with group.around():
            rig.gateway.start()
        leaving.callback(group.remove)
        site = rig.folder / "site.yaml"
        site.write_text(site_text(labs, users), encoding="utf-8")
        secrets = rig.folder / "secrets"
        full = 3 * users // PAGE + 1
        # An apply plans, looks once more before it begins, and has the watch look behind it.
        commands = [("apply", ("apply", str(site), "--secrets-file", str(secrets)), 2 + full)]
        commands += [("again", ("apply", str(site)), 3 * full), ("plan", ("plan", str(site)), full)] * rounds
        runs, expected = {}, 0
        for name, words, pages in commands:
            expected += pages
            runs.setdefault(name, []).append(one(rig, group, words, expected))
        shown = secrets.read_text(encoding="utf-8").count("Run:ai")
        if shown != users:
            raise RuntimeError(f"{shown} passwords of {users}")
        return {name: middle(of_name) for name, of_name in runs.items()}


def one(rig, group, words, expected):
    before, cpu, start = rig.stand_in_log(), group.cpu_seconds(), time.monotonic()
    rig.ok(*words, timeout=LONGEST)
    seconds = time.monotonic() - start
    looks(rig, expected)
    after = rig.stand_in_log()
    return {
        "seconds": round(seconds, 3),
        "cpu": round(group.cpu_seconds() - cpu, 3),
        "calls": sum(after["counts"].values()) - sum(before["counts"].values()),
        "writes": after["writes"] - before["writes"],
    }


def middle(runs):
    seconds = [run["seconds"] for run in runs]
    return {
        "seconds": statistics.median(seconds),
        "lowest": min(seconds),
        "highest": max(seconds),
        "cpu": statistics.median(run["cpu"] for run in runs),
        "calls": max(run["calls"] for run in runs),
        "writes": max(run["writes"] for run in runs),
    }


def check(options):
    for name in ("labs", "users", "rounds"):
        if getattr(options, name) < 1:
            refuse(f"--{name} {getattr(options, name)}: too few", "give at least 1")
    if os.geteuid() != 0:
        refuse("it starts a gateway, and this is not root", "sudo tests/bench/site_scale.py")
    if options.json and not os.access(options.json.parent, os.W_OK):
        refuse(f"--json {options.json}: no folder there that can be written to", f"make {options.json.parent}")
    if not (options.build / "bin" / "stowage").is_file():
        refuse(f"--build {options.build}: bin/stowage is not there", "give a release build, by default build/release")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labs", type=int, default=200)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--version", default="2.20.29", help="of Run:ai (2.20.29)")
    parser.add_argument("--rounds", type=int, default=5, help="of the second apply and the plan (5)")
    parser.add_argument("--json", type=pathlib.Path, help="where the results go, for tests/bench/run --site-json")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release", help="a release build")
    options = parser.parse_args()
    check(options)
    os.environ["STOWAGE_BIN"] = str(options.build.resolve() / "bin")
    sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "deploy")]
    results = measure(options.labs, options.users, options.version, options.rounds)
    for name, values in results.items():
        print(f"{name:<6}", *(f"{values[key]:>8} {words}" for key, words in SHOWN.items()))
    results |= {"labs": options.labs, "users": options.users, "load_average": os.getloadavg()[0]}
    results["when"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    if options.json:
        options.json.write_text(json.dumps(results) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
