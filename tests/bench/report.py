"""Results as a table. A result is {"machine": …, "runs": {scenario: {server: [{quantity: value}, …]}}}."""

import statistics

from scenarios import BASELINE, QUANTITIES, SCENARIOS


def median(runs, quantity):
    values = [run[quantity] for run in runs if quantity in run]
    return statistics.median(values) if values else None


def spread(runs, quantity):
    values = [run[quantity] for run in runs if quantity in run]
    return min(values), max(values)


def best_peer(servers, quantity, peers):
    """(name, median) of the peer that does best, or None."""
    more = QUANTITIES[quantity][1]
    found = [
        (value, name)
        for name, runs in servers.items()
        if name in peers and (value := median(runs, quantity)) is not None
    ]
    if not found:
        return None
    value, name = max(found) if more else min(found)
    return name, value


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rows(results):
    """(scenario, quantity, server, median, low, high, ratio to the best peer, ratio to the limit)"""
    for scenario, servers in results["runs"].items():
        for quantity in QUANTITIES:
            compared = results["runs"].get(BASELINE.get(scenario, scenario), servers)
            best = best_peer(compared, quantity, results["peers"])
            limit = median(servers.get("limit", []), quantity)
            for server, runs in servers.items():
                value = median(runs, quantity)
                if value is None:
                    continue
                to_best = value / best[1] if best and best[1] else None
                to_limit = value / limit if limit and server != "limit" else None
                yield scenario, quantity, server, value, *spread(runs, quantity), to_best, to_limit


def summary(results):
    """Markdown: medians, a column for each server, then each stowage against the best peer."""
    servers = list(dict.fromkeys(server for runs in results["runs"].values() for server in runs))
    head = f"| scenario | quantity | {' | '.join(servers)} | stowage / best peer |"
    lines = [head, "|---|" + "---|" * (len(servers) + 2)]
    cells, ratios = {}, {}
    for scenario, quantity, server, value, _low, _high, to_best, _to_limit in rows(results):
        cells.setdefault((scenario, quantity), {})[server] = number(value)
        if server.startswith("stowage") and to_best is not None:
            ratios.setdefault((scenario, quantity), {})[server] = f"{to_best:.2f}"
    for (scenario, quantity), values in cells.items():
        ratio = " / ".join(ratios.get((scenario, quantity), {}).values())
        columns = [values.get(server, "") for server in servers]
        lines.append(f"| {SCENARIOS[scenario][0]} | {QUANTITIES[quantity][0]} | {' | '.join(columns)} | {ratio} |")
    return "\n".join(lines)


def table(results):
    """Markdown."""
    lines = [
        "| scenario | quantity | server | median | lowest to highest | × best peer | × limit |",
        "|---|---|---|---|---|---|---|",
    ]
    last = None
    for scenario, quantity, server, value, low, high, to_best, to_limit in rows(results):
        title = SCENARIOS[scenario][0] if (scenario, quantity) != last else ""
        unit = QUANTITIES[quantity][0] if (scenario, quantity) != last else ""
        last = (scenario, quantity)
        ratios = [f"{ratio:.2f}" if ratio is not None else "" for ratio in (to_best, to_limit)]
        cells = [title, unit, server, number(value), f"{number(low)} to {number(high)}", *ratios]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
