"""The results as one SVG: a panel for each scenario and quantity, for each server a bar as long as its median, with a
line from the lowest to the highest."""

from xml.sax.saxutils import escape

from report import known_runs, median, number, spread
from scenarios import QUANTITIES, SCENARIOS

COLUMNS, PANEL_WIDTH, BAR_HEIGHT, LABEL_WIDTH = 2, 460, 18, 150
HEAD, GAP = 40, 26
SHOWN = [quantity for quantity in QUANTITIES if quantity not in ("peak", "fairness", "client_cpu_per_gb", "sessions")]
COLOURS = {"stowage": "#1b6ca8", "limit": "#9a9a9a"}
PEER_COLOUR = "#c98b3a"


def _colour(server):
    return COLOURS.get(server.split(",", maxsplit=1)[0], PEER_COLOUR)


def _text(x, y, words, size=12, anchor="start", weight="normal"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )


def _panel(x, y, scenario, quantity, servers):
    unit, more = QUANTITIES[quantity]
    values = {name: value for name, runs in servers.items() if (value := median(runs, quantity)) is not None}
    widest = PANEL_WIDTH - LABEL_WIDTH - 70
    spreads = {name: spread(servers[name], quantity) for name in values}
    most = max(high for _, high in spreads.values()) or 1
    direction = "more is better" if more else "less is better"
    parts = [_text(x, y + 14, SCENARIOS[scenario].title, 13, weight="bold"), _text(x, y + 30, f"{unit}, {direction}", 11)]
    for index, (name, value) in enumerate(values.items()):
        top = y + HEAD + index * (BAR_HEIGHT + 4)
        width = max(1, round(widest * value / most))
        parts.append(_text(x + LABEL_WIDTH - 8, top + 13, name, 11, "end"))
        parts.append(
            f'<rect x="{x + LABEL_WIDTH}" y="{top}" width="{width}" height="{BAR_HEIGHT}" fill="{_colour(name)}"/>'
        )
        low, high = (x + LABEL_WIDTH + max(1, round(widest * end / most)) for end in spreads[name])
        middle = top + BAR_HEIGHT // 2
        parts.append(f'<path d="M{low} {middle}H{high}M{low} {middle - 4}v8M{high} {middle - 4}v8" stroke="#222"/>')
        parts.append(_text(max(x + LABEL_WIDTH + width, high) + 6, top + 13, number(value), 11))
    return parts, HEAD + len(values) * (BAR_HEIGHT + 4)


def svg(results):
    parts, y, column, row_height = [], GAP, 0, 0
    for scenario, servers in known_runs(results).items():
        for quantity in SHOWN:
            if not any(quantity in run for runs in servers.values() for run in runs):
                continue
            panel, height = _panel(20 + column * (PANEL_WIDTH + 20), y, scenario, quantity, servers)
            parts += panel
            row_height = max(row_height, height)
            column += 1
            if column == COLUMNS:
                y, column, row_height = y + row_height + GAP, 0, 0
    if column:
        y += row_height + GAP
    width = 20 + COLUMNS * (PANEL_WIDTH + 20)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}"'
            ' font-family="sans-serif" fill="#222">',
            f'<rect width="{width}" height="{y}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )
