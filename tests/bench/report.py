"""Results as tables. A result is {"machine": …, "runs": {scenario: {server: [{"round": n, quantity: value}, …]}}}; a run
that failed has "failed" and the words instead of quantities. What the program no longer knows of is left out."""

import statistics

from limit import LIMITS
from scenarios import QUANTITIES, SCENARIOS


def values(runs, quantity):
    """{round: value}"""
    return {run["round"]: run[quantity] for run in runs if quantity in run}


def failures(runs):
    return [run for run in runs if "failed" in run]


def median(runs, quantity):
    found = values(runs, quantity)
    return statistics.median(found.values()) if found else None


def spread(runs, quantity):
    found = values(runs, quantity).values()
    return min(found), max(found)


def ratios(runs, others, quantity):
    """Of the rounds that both have, one each: what changes from round to round changes for both."""
    ours, theirs = values(runs, quantity), values(others, quantity)
    return [ours[number] / theirs[number] for number in ours if theirs.get(number)]


def best_peer(servers, quantity, peers):
    """The name of the peer whose median is best, or None."""
    more = QUANTITIES[quantity][1]
    if more is None:
        return None
    found = [
        (value, name)
        for name, runs in servers.items()
        if name in peers and (value := median(runs, quantity)) is not None
    ]
    return (max(found) if more else min(found))[1] if found else None


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def with_spread(found, shown=number):
    """ "0.66 (0.6–0.7)", the median first; "" of nothing."""
    found = list(found)
    if not found:
        return ""
    middle, low, high = shown(statistics.median(found)), shown(min(found)), shown(max(found))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratio_text(found):
    return with_spread(found, "{:.2f}".format)


def known_runs(results):
    return {name: servers for name, servers in results["runs"].items() if name in SCENARIOS}


def rows(results):
    """(scenario, quantity, server, its runs, ratios to the best peer, ratios to the limit)"""
    for scenario, servers in known_runs(results).items():
        for quantity in QUANTITIES:
            best = best_peer(servers, quantity, results["peers"])
            for server, runs in servers.items():
                if not values(runs, quantity):
                    continue
                to_best = ratios(runs, servers[best], quantity) if best else []
                compares = server not in LIMITS and QUANTITIES[quantity][1] is not None
                to_limit = ratios(runs, servers.get("limit", []), quantity) if compares else []
                yield scenario, quantity, server, runs, to_best, to_limit


def failed_words(runs):
    failed = len(failures(runs))
    return f"failed: {failed} of {len(runs)}" if failed else ""


def summary(results):
    """Markdown: medians and spreads, a column for each server, then each stowage against the best peer."""
    servers = list(dict.fromkeys(server for runs in results["runs"].values() for server in runs))
    head = f"| scenario | quantity | {' | '.join(servers)} | stowage / best peer |"
    lines = [head, "|---|" + "---|" * (len(servers) + 2)]
    cells, compared = {}, {}
    for scenario, quantity, server, runs, to_best, _ in rows(results):
        cells.setdefault((scenario, quantity), {})[server] = with_spread(values(runs, quantity).values())
        if server.startswith("stowage") and to_best:
            compared.setdefault((scenario, quantity), []).append(f"{statistics.median(to_best):.2f}")
    for (scenario, quantity), shown in cells.items():
        columns = [shown.get(server, "") for server in servers]
        ratio = " / ".join(compared.get((scenario, quantity), []))
        lines.append(f"| {SCENARIOS[scenario].title} | {QUANTITIES[quantity][0]} | {' | '.join(columns)} | {ratio} |")
    for scenario, runs in known_runs(results).items():
        columns = [failed_words(runs.get(server, [])) for server in servers]
        if any(columns):
            lines.append(f"| {SCENARIOS[scenario].title} | failed | {' | '.join(columns)} | |")
    return "\n".join(lines)


def table(results):
    """Markdown: a line for each server, with the spread of the ratios."""
    lines = [
        "| scenario | quantity | server | median (lowest–highest) | × best peer | × limit |",
        "|---|---|---|---|---|---|",
    ]
    last = None
    for scenario, quantity, server, runs, to_best, to_limit in rows(results):
        is_new = (scenario, quantity) != last
        last = (scenario, quantity)
        head = [SCENARIOS[scenario].title, QUANTITIES[quantity][0]] if is_new else ["", ""]
        cells = [*head, server, with_spread(values(runs, quantity).values()), ratio_text(to_best), ratio_text(to_limit)]
        lines.append("| " + " | ".join(cells) + " |")
    for scenario, servers in known_runs(results).items():
        for server, runs in servers.items():
            for run in failures(runs):
                words = run["failed"].replace("|", "/").replace("\n", " ")
                lines.append(f"| {SCENARIOS[scenario].title} | failed | {server} | round {run['round']}: {words} | | |")
    return "\n".join(lines)
