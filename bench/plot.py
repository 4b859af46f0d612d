"""A small plot with logarithmic axes, as SVG."""

import html
import math

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 48
# Told apart also by those who do not see all colours (Okabe and Ito).
COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#999999"]


def _text(x, y, text, anchor="middle", more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _number(power):
    return f"{10.0 ** power:g}" if -3 <= power <= 3 else f"10^{power}"


class _Axis:
    """From a value to where it stands, by powers of ten."""

    def __init__(self, values, begin, end):
        self.least = math.floor(math.log10(min(values)) + 1e-9)
        self.most = max(math.ceil(math.log10(max(values)) - 1e-9), self.least + 1)
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(value) - self.least) / (self.most - self.least)
        return self.begin + share * (self.end - self.begin)

    def powers(self):
        return range(self.least, self.most + 1)


def log_log(title, x_name, y_name, series):
    """series: {name: [(x, y), ...]}, all above zero."""
    points = [point for line in series.values() for point in line]
    x_axis = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    y_axis = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="11">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           _text(WIDTH / 2, 18, title, more=' font-size="13"')]
    for power in x_axis.powers():
        x = x_axis.at(10.0 ** power)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(_text(x, HEIGHT - BOTTOM + 16, _number(power)))
    for power in y_axis.powers():
        y = y_axis.at(10.0 ** power)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(_text(LEFT - 6, y + 4, _number(power), "end"))
    out.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(_text(14, middle, y_name, more=f' transform="rotate(-90 14 {middle:.0f})"'))
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in sorted(line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.extend(f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="3" fill="{colour}"/>' for x, y in line)
        out.append(_text(LEFT + 12, TOP + 16 + 15 * number, name, "start", f' fill="{colour}"'))
    return "\n".join([*out, "</svg>", ""])
