"""The targets of the design: what was asked, what came out, and, in this place alone, what is in the way where one is
missed. The figures are of the same run as the table; each is a median, with the lowest and the highest in brackets."""

import dataclasses
import statistics

from limit import DURABLE, PLAIN
from report import best_peer, failed_words, median, number, ratios, values, with_spread
from scenarios import QUANTITIES, WITH_MANY_LABS, WITHOUT_MANY_LABS

_ND = "stowage, not durable"


@dataclasses.dataclass(frozen=True)
class Target:
    """figure: "best": × the best peer of the scenario; "limit": × the limit; "plain": the quantity itself;
    "growth": × the same server's figure in scenario `base`, or that of `base_server`; "peer": × the best peer of scenario `base`.
    The first variant is judged by; the others are shown."""

    title: str
    figure: str
    scenario: str
    quantity: str
    bound: float
    in_the_way: str = ""
    variants: tuple = ("stowage",)
    base: str = ""
    note: str = ""
    limit: str = PLAIN
    base_server: str = ""

    @property
    def is_floor(self):
        return QUANTITIES[self.quantity][1] is True and self.figure != "growth"


_PUT = (_ND, "stowage, no hash", "stowage")
_SMALL = (_ND, "stowage")
_HANDSHAKE = "a TLS handshake and a file's creation are most of it: [profiles](#where-the-time-goes)"
_DOWN = "OpenSSL in the worker is a third of it, the front a fifth: [profiles](#where-the-time-goes)"
_BOTH_CORES = "both cores are busy, and the client has its part: [profiles](#where-the-time-goes)"
_AT_THE_LIMIT = "what the limit takes too: [profiles](#where-the-time-goes)"
_MANY = "it varies by more than that from round to round, as the limit's own figures do"
_FSYNC = "each 226 waits for the disk as the limit here does, no peer's: [profiles](#where-the-time-goes)"
_SERIES = "on one connection the client's own handshake and the server's are in series: [profiles](#where-the-time-goes)"
_BY_CLIENT = "the kernel and OpenSSL are three quarters of it: [profiles](#where-the-time-goes)"
_CLIENT = {
    "lftp": "lftp's own CPU, 7 to 11 ms a file whichever the server: [profiles](#where-the-time-goes)",
    "curl": "curl sleeps 0.2 s amid a download, whichever the server: [profiles](#where-the-time-goes)",
}
_AMONG = "it varies by more than that from round to round"
_LSTAT = "getdents(2) and lstat(2), which each server makes, are four fifths of it, and both cores are busy: [profiles](#where-the-time-goes)"
_LOGIN = "a process of its own for each password: [profiles](#where-the-time-goes)"

NO_CHANGE_SECONDS = 2
NO_CHANGE_IN_THE_WAY = "Run:ai's answers, page by page, read three times: [whole sites](#whole-sites)"
LEAVES = (
    "| a lab's worker leaves when unused | after `ftps.worker_idle_timeout`, 5 min | | | | tested, not measured: "
    "`SessionsReachWorkers.IdleWorkerLeavesAndTheNextSessionStartsAnother` |"
)
TARGETS = [
    Target("large upload, CPU", "best", "put", "cpu_per_gb", 0.6, _AT_THE_LIMIT, _PUT),
    Target("large upload, CPU", "limit", "put", "cpu_per_gb", 1.15, _MANY, _PUT),
    Target("large upload, rate", "best", "put", "rate", 1.5, f"{_AT_THE_LIMIT}; by default [the disk, and SHA-256](#what-it-says)", _PUT),
    Target("large download, CPU", "best", "get", "cpu_per_gb", 0.75, _AT_THE_LIMIT),
    Target("large download, CPU", "limit", "get", "cpu_per_gb", 1.1, _MANY),
    Target("large download, rate", "best", "get", "rate", 1.3, _AT_THE_LIMIT),
    Target("8 large files up at once, rate", "best", "put8", "rate", 1.3, _BOTH_CORES, _PUT),
    Target("8 large files down at once, rate", "best", "get8", "rate", 1.3, _BOTH_CORES),
    Target("8 up at once, slowest / mean", "plain", "put8", "fairness", 0.7, "", _PUT),
    Target("8 down at once, slowest / mean", "plain", "get8", "fairness", 0.7),
    *(
        target
        for scenario, words in (("put-small", ", one connection"), ("put-small8", ", 8 at once"))
        for target in (
            Target(f"small files up{words}, CPU", "best", scenario, "cpu_per_file", 0.5, _HANDSHAKE, _SMALL),
            Target(
                f"small files up{words}, rate",
                "best",
                scenario,
                "files_per_second",
                2,
                _HANDSHAKE if scenario.endswith("8") else _SERIES,
                (_ND,),
            ),
            Target(f"small files up{words}, durable, rate", "best", scenario, "files_per_second", 1, _FSYNC, limit=DURABLE),
        )
    ),
    Target("small files down, one connection, rate", "best", "get-small", "files_per_second", 1.5, _SERIES),
    Target("small files down, 8 at once, rate", "best", "get-small8", "files_per_second", 1.5, _DOWN),
    *(
        target
        for scenario, words in (("small-lftp", "lftp"), ("small8-lftp", "lftp, 8 at once"), ("small-curl", "curl"))
        for target in (
            Target(f"small files up by {words}, CPU", "best", f"put-{scenario}", "cpu_per_file", 0.5, _BY_CLIENT, _SMALL),
            Target(f"small files up by {words}, rate", "best", f"put-{scenario}", "files_per_second", 2, _CLIENT[words[:4]], _SMALL),
            Target(f"small files down by {words}, rate", "best", f"get-{scenario}", "files_per_second", 1.5, _CLIENT[words[:4]]),
        )
        if f"get-{scenario}"
    ),
    Target(
        "SITE UNPACK, rate",
        "peer",
        "unpack",
        "files_per_second",
        10,
        "",
        ("stowage", _ND),
        "put-small",
        "the best peer's upload of small files on one connection",
    ),
    Target(
        "SITE UNPACK, rate",
        "peer",
        "unpack",
        "files_per_second",
        10,
        "one thread unpacks, where eight of the peer's use both cores: [profiles](#where-the-time-goes)",
        ("stowage", _ND),
        "put-small8",
        "the best peer's 8 at once",
    ),
    Target("login to first listing, CPU", "best", "login", "cpu_per_login", 0.5, _LOGIN),
    Target("the same, 8 at once, CPU", "best", "login8", "cpu_per_login", 0.5, _LOGIN),
    Target("the same, 8 at once, logins/s", "plain", "login8", "logins_per_second", 200, _LOGIN),
    Target("idle sessions, KiB PSS each", "plain", "idle", "memory_per_session", 60),
    Target("ten times as many, KiB PSS each", "plain", "idle10", "memory_per_session", 60),
    Target("LIST, rate", "best", "list", "entries_per_second", 2, _LSTAT),
    Target("MLSD, rate", "best", "mlsd", "entries_per_second", 2, _LSTAT),
    Target("LIST, ms to the first byte", "plain", "list", "first_byte", 50),
    Target("MLSD, ms to the first byte", "plain", "mlsd", "first_byte", 50),
    Target(
        "listing linear: CPU an entry, 100 × as many in one",
        "growth",
        "mlsd",
        "cpu_per_entry",
        1.1,
        "",
        base="mlsd-hundredth",
        note="of a hundredth",
    ),
    Target(
        "64 sessions up against one, CPU a GB",
        "growth",
        "put64",
        "cpu_per_gb",
        1.1,
        _MANY,
        (_ND,),
        "put64-by-1",
        "of the same files over one session",
    ),
    Target(
        "64 sessions down against one, CPU a GB",
        "growth",
        "get64",
        "cpu_per_gb",
        1.1,
        _MANY,
        ("stowage",),
        "get64-by-1",
        "of the same files over one session",
    ),
    Target(
        "login among many labs, CPU",
        "growth",
        "login-labs",
        "cpu_per_login",
        1.1,
        _AMONG,
        variants=(WITH_MANY_LABS,),
        base="login-alone",
        base_server=WITHOUT_MANY_LABS,
        note="of a lab alone, in turn",
    ),
    Target(
        "login to each of many labs in turn, CPU",
        "growth",
        "login-spread",
        "cpu_per_login",
        1.1,
        _AMONG,
        variants=(WITH_MANY_LABS,),
        base="login-alone",
        base_server=WITHOUT_MANY_LABS,
        note="of a lab alone, in turn",
    ),
    Target("a lab is made, s", "plain", "lab", "lab_seconds", 1),
    Target("a lab's worker starts, ms", "plain", "lab", "worker_start", 30),
    Target("an idle worker, MiB PSS", "plain", "lab", "worker_memory", 4),
]


def _figures(target, server, results):
    """One a round, as far as there are any."""
    runs = results["runs"]
    servers = runs.get(target.scenario, {})
    ours = servers.get(server, [])
    if target.figure == "plain":
        return list(values(ours, target.quantity).values())
    if target.figure == "growth":
        return ratios(ours, runs.get(target.base, {}).get(target.base_server or server, []), target.quantity)
    if target.figure == "limit":
        return ratios(ours, servers.get("limit", []), target.quantity)
    compared = runs.get(target.base or target.scenario, {})
    best = best_peer(compared, target.quantity, results["peers"])
    return ratios(ours, compared[best], target.quantity) if best else []


def _cell(target, server, results):
    found = _figures(target, server, results)
    on_the_edge = found and round(statistics.median(found), 2) == target.bound
    digits = "{:.3f}" if on_the_edge else "{:.2f}"
    words = with_spread(found) if target.figure == "plain" else with_spread(found, digits.format)
    failed = failed_words(results["runs"].get(target.scenario, {}).get(server, []))
    return "; ".join(word for word in (words, failed) if word)


def _against(target, results):
    """What the figure is a multiple of."""
    if target.figure == "plain":
        return ""
    if target.figure == "growth":
        return target.note
    if target.figure == "limit":
        return "the limit"
    compared = results["runs"].get(target.base or target.scenario, {})
    best = best_peer(compared, target.quantity, results["peers"])
    if best is None:
        return "the best peer"
    value = number(median(compared[best], target.quantity))
    return f"{best}'s {value} {QUANTITIES[target.quantity][0]}" + (f", {target.note}" if target.note else "")


def _is_met(target, found):
    value = statistics.median(found)
    return value >= target.bound if target.is_floor else value <= target.bound


def _outcome(target, results):
    judged = _figures(target, target.variants[0], results)
    if not judged:
        return "not known"
    return "met" if _is_met(target, judged) else target.in_the_way or "missed"


def target_table(results):
    """Markdown. Targets of which nothing was measured are left out."""
    lines = [
        "| what | asked | of | stowage | limit, of the same | met, or what is in the way |",
        "|---|---|---|---|---|---|",
    ]
    for target in TARGETS:
        cells = {variant: _cell(target, variant, results) for variant in target.variants}
        if not cells[target.variants[0]]:
            continue
        names = {variant: variant.removeprefix("stowage, ").replace("stowage", "default") for variant in cells}
        ours = [f"{names[variant]}: {cell}" if len(cells) > 1 else cell for variant, cell in cells.items() if cell]
        sign = "≥" if target.is_floor else "≤"
        multiple = "" if target.figure == "plain" else " ×"
        limit = _cell(target, target.limit, results) if target.figure != "limit" else ""
        lines.append(
            f"| {target.title} | {sign} {target.bound:g}{multiple} | {_against(target, results)} | {'; '.join(ours)} "
            f"| {limit} | {_outcome(target, results)} |"
        )
    return "\n".join([*lines, *_of_sites(results), LEAVES])


def _of_sites(results):
    """What tests/bench/site_scale.py measured."""
    site = results.get("site")
    if not site:
        return []
    again = site["again"]
    shown = f"{again['seconds']:.2f} ({again['lowest']:.2f}–{again['highest']:.2f}), {again['cpu']:.2f} of CPU"
    outcome = "met" if again["seconds"] <= NO_CHANGE_SECONDS else NO_CHANGE_IN_THE_WAY
    title = f"`apply` of {site['labs']} labs and {site['users']:,} people with nothing to do, s"
    return [f"| {title} | ≤ {NO_CHANGE_SECONDS} | | {shown} | | {outcome} |"]


def site_table(results):
    """Markdown: the commands of site_scale.py."""
    site = results["site"]
    load = f"load average {site['load_average']:.1f}"
    lines = [
        f"{site['labs']} labs and {site['users']:,} people with three roles each, {site['when']}, {load} at the end:",
        "",
        "| command | calls of Run:ai's API | of them writes | s | CPU s of the gateway |",
        "|---|---|---|---|---|",
    ]
    commands = {"apply": "`apply`, from nothing", "again": "`apply`, nothing to do", "plan": "`plan`, nothing to do"}
    for name, words in commands.items():
        run = site[name]
        spread = f" ({run['lowest']:.2f}–{run['highest']:.2f})" if run["lowest"] != run["highest"] else ""
        lines.append(f"| {words} | {run['calls']:,} | {run['writes']:,} | {run['seconds']:.2f}{spread} | {run['cpu']:.2f} |")
    return "\n".join(lines)
