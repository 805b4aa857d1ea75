"""Runs the scenarios, each server in turn, and records what came of it: a run that fails is one of the results."""

import contextlib
import json
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import time

import own_network
from choices import SOURCE, smaller
from limit import Limit
from scenarios import SCENARIOS
from transfers import tidy

DESCRIPTORS = 1 << 16


def raise_descriptor_limit():
    """An idle session takes two of the front; where the machine does not allow so many, fewer sessions are measured."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, max(DESCRIPTORS, most)))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _said(*command):
    """The first line, or "" where there is no such command."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or [""])[0].strip()


def _mount_of(folder):
    """Device, type and options of the filesystem that the files lie on; of a loop device whether it goes by the cache of
    what it lies on."""
    words = _said("findmnt", "--noheadings", "--output", "SOURCE,FSTYPE,OPTIONS", "--target", str(folder))
    direct = pathlib.Path("/sys/block", pathlib.Path(words.split()[0]).name, "loop", "dio") if words else pathlib.Path()
    return words + (", direct I/O" if direct.is_file() and direct.read_text(encoding="ascii").strip() == "1" else "")


def machine(site, options):
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = [line for line in cpuinfo if "model name" in line]
    return {
        "cpu": f"{os.cpu_count()} × {model[0].partition(':')[2].strip() if model else platform.machine()}",
        "kernel": platform.release(),
        "filesystem": " ".join(_mount_of(site.folder).split()),
        "openssl": _said("openssl", "version"),
        "lftp": _said("lftp", "--version"),
        "curl": _said("curl", "--version"),
        "stowage": _said(str(options.build / "bin" / "stowage"), "--version"),
        "commit": _said("git", "-C", str(SOURCE), "describe", "--always", "--dirty"),
        "accounting": site.servers[0].group.kind,
        "tcp": own_network.settings(),
        "load_average": os.getloadavg(),
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "options": {name: value for name, value in vars(options).items() if type(value) is int},
    }


def taking_part(scenario, servers, site):
    """Those variants of stowage in which it differs, or else one; those peers that can; the limits."""
    variants = [server for server in servers if server.name.startswith("stowage")]
    differing = [server for server in variants if server.name in scenario.variants]
    if not scenario.needs_variant:
        differing = differing or variants[:1]
    peers = [server for server in servers if server.name in scenario.peers]
    limits = [Limit(site)] * scenario.limit + [Limit(site, durable=True)] * scenario.durable_limit
    return differing + peers + limits


def _one(title, number, server, measured):
    """The values, or the words that say why there are none."""
    os.sync()  # nobody pays for what the one before left to write
    try:
        values = {"round": number, **{key: float(f"{value:.5g}") for key, value in measured().items()}}
    except Exception as problem:  # pylint: disable=broad-exception-caught  # the other runs are not lost
        values = {"round": number, "failed": f"{type(problem).__name__}: {problem}"[:400]}
    words = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in values.items()}
    shown = ", ".join(f"{key} {word}" for key, word in words.items())
    print(f"{time.strftime('%H:%M:%S')} {title}, {server.name}: {shown}", file=sys.stderr, flush=True)
    return values


def measure_scenarios(parts, options, is_over):
    """{name: {server: [values of a round, …]}}. In each round all of `parts` are measured; who begins is another one each
    round, of the servers and of the scenarios.

    @param parts {name: (scenario, servers)}: what is compared with each other
    @param is_over the time for more than their least_rounds"""
    runs = {name: {server.name: [] for server in servers} for name, (_, servers) in parts.items()}
    for scenario, servers in parts.values():
        if scenario.warms_up and not options.no_warm_up:
            less = smaller(options)
            for server in servers:
                _one(f"{scenario.title}, not counted", 0, server, lambda: scenario.run(server, less))
            _tidy(servers)
    scenarios = [scenario for scenario, _ in parts.values()]
    least = max(scenario.least_rounds for scenario in scenarios)
    for number in range(options.rounds or min(scenario.rounds for scenario in scenarios)):
        if number >= least and is_over():
            break
        for name, (scenario, servers) in _turned(list(parts.items()), number):
            for server in _turned(servers, number):
                values = _one(scenario.title, number + 1, server, lambda: scenario.run(server, options))
                runs[name][server.name].append(values)
    for _, servers in parts.values():
        _tidy(servers)
    return runs


def _turned(those, number):
    turn = number % len(those)
    return those[turn:] + those[:turn]


def _tidy(servers):
    for server in servers:
        with contextlib.suppress(OSError):
            tidy(server)


def measure(site, options, results):
    """Fills results["runs"] and writes --json after each scenario: what ends a run leaves what was measured."""
    results["runs"] = {}
    deadline = time.monotonic() + 60 * options.budget
    for names in _together(options.scenario or SCENARIOS):
        parts = {name: (SCENARIOS[name], taking_part(SCENARIOS[name], site.servers, site)) for name in names}
        parts = {name: (scenario, servers) for name, (scenario, servers) in parts.items() if servers}
        if not parts:
            continue
        began = time.monotonic()
        results["runs"] |= measure_scenarios(parts, options, lambda: time.monotonic() > deadline)
        results["machine"].setdefault("seconds", {})[names[0]] = round(time.monotonic() - began, 1)
        if options.json:
            write(results, options.json)


def _together(names):
    """Lists of names, in the order of the first of each."""
    groups = {}
    for name in names:
        groups.setdefault(SCENARIOS[name].together or name, []).append(name)
    return list(groups.values())


def write(results, path):
    written = path.with_name(path.name + ".new")
    written.write_text(json.dumps(results, separators=(",", ":")) + "\n", encoding="utf-8")
    written.replace(path)
