"""The part of the performance page that is a run: written by the bench, between two markers."""

from choices import refuse
from report import known_runs, summary
from targets import site_table, target_table

BEGIN = "<!-- tests/bench/run --page writes from here … -->"
END = "<!-- … to here -->"
_LOADED = 2.0  # a load average at the start above which something else ran


def _size(count):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return f"{count} bytes"


def _where(results):
    machine = results["machine"]
    load = machine["load_average"][0]
    minutes = sum(machine.get("seconds", {}).values()) / 60
    tcp = f"; TCP by {machine['tcp']['tcp_congestion_control']}" if "tcp" in machine else ""
    busy = "" if load < _LOADED else ": **something else ran, so rates are too low and CPU is too high**"
    return (
        f"- {machine['when']}, {minutes:.0f} minutes. {machine['cpu']}, Linux {machine['kernel']}; files on "
        f"`{machine['filesystem']}`; accounting by {machine['accounting']}{tcp}. Load average at the start: {load:.1f}{busy}."
    )


def _what(results):
    machine = results["machine"]
    names = [
        f"{machine['stowage']} (commit {machine['commit'] or 'unknown'}, Release build)",
        *results["packages"],
        machine["openssl"].partition(" (")[0],
        " ".join(machine["lftp"].replace("|", " ").split()[:3]),
        machine["curl"].partition(" (")[0],
    ]
    return "- " + "; ".join(name for name in names if name) + "."


def _by_clients(chosen):
    lftp, curl = chosen["client_files"], chosen.get("curl_files", chosen["client_files"])
    return f"{lftp:,} by lftp and curl" if lftp == curl else f"{lftp:,} by lftp, {curl:,} by curl"


def _rounds(results):
    counts = {len(runs) for servers in known_runs(results).values() for runs in servers.values()}
    few, many = min(counts, default=0), max(counts, default=0)
    return f"{few} to {many} rounds" if few < many else f"{many} round{'s' if many != 1 else ''}"


def _how(results):
    chosen = results["machine"]["options"]
    files = _size(chosen["file_bytes"])
    budget = chosen.get("budget", 10000)
    late = f" (3 of what began after {budget} minutes, but for growth)" if budget < 1000 else ""
    warmed = "; before the first round a smaller run that is not counted" if results.get("warmed_up") else ""
    return (
        f"- {_rounds(results)} of each{late}, another server first in each, with sync(2) before each run{warmed}. A large "
        f"file has {files}; of several at once or in a row the sum has {files}. Small files have "
        f"{_size(chosen['small_bytes'])}: {chosen['files']:,} a run, {_by_clients(chosen)}, "
        f"{chosen['unpacked_files']:,} in an archive. {chosen['logins']:,} logins, {chosen['entries']:,} entries, "
        f"{chosen['labs']:,} labs."
    )


def generated(results):
    return "\n\n".join(
        [
            "## This run",
            "\n".join(part(results) for part in (_where, _what, _how)),
            "### Where the targets are, and what is in the way",
            "Each figure is the median of the rounds, with the lowest and the highest in brackets; a ratio is taken in each "
            'round, and the median is of those. "not durable" has neither hash nor fsync, which is what peers do, and is what '
            "uploads are judged by, unless the row says durable.",
            target_table(results),
            "### Everything that was measured",
            'Medians (lowest–highest). "stowage / best peer" has one ratio for each column of stowage that took part, against '
            "the peer whose median is best in that row: below 1 is better where less is better. MiB are anonymous memory at "
            "its peak; KiB and MiB PSS count shared pages by their shares. An empty field took no part: of stowage's three "
            "configurations those ran that differ in the scenario.",
            summary(results),
            *(["### Sites that were measured", site_table(results)] if "site" in results else []),
        ]
    )


def put_into(path, results):
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        refuse(f"--page {path}: it has no part of the bench's", f"put these two lines where it shall be:\n{BEGIN}\n{END}")
    path.write_text(f"{before}{BEGIN}\n\n{generated(results)}\n\n{END}{after}", encoding="utf-8")
