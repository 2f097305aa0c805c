# SPDX-License-Identifier: Apache-2.0
"""Figures of a run, and the table of ratios that they make."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Figure:
    """Less is better in all of them. `gates`: how many times less than Prometheus and than
    VictoriaMetrics at least (issue 6); None where there is no gate."""
    name: str
    unit: str
    hearth: float | None = None
    prometheus: float | None = None
    victoria: float | None = None
    gates: tuple = (None, None)
    aim: str = ''
    aim_at_most: float | None = None
    note: str = ''
    void: bool = False  # an answer was wrong: the timing does not count


@dataclass
class Report:
    """What a run found."""
    figures: list = field(default_factory=list)
    tables: list = field(default_factory=list)  # (title, lines of Markdown)
    say: object = print

    def add(self, figure):
        self.figures.append(figure)
        self.say('  ' + in_words(figure))

    def table(self, title, lines):
        self.tables.append((title, lines))


def number(value):
    if value is None:
        return '–'
    if value == 0:
        return '0'
    if abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def ratio(peer, own):
    return None if peer is None or not own else peer / own


def times(value):
    return '–' if value is None else f'{value:.3g}x'


def verdict(figure):
    """'met', 'missed by …', or nothing where there is no gate."""
    if figure.void:
        return 'void: a wrong answer'
    missed, judged = [], False
    for peer, gate, name in ((figure.prometheus, figure.gates[0], 'Prometheus'),
                             (figure.victoria, figure.gates[1], 'VictoriaMetrics')):
        if gate is None or peer is None or not figure.hearth:
            continue
        judged = True
        if ratio(peer, figure.hearth) is not None and ratio(peer, figure.hearth) < gate:
            missed.append(f'{times(ratio(peer, figure.hearth))} of {gate:g}x ({name})')
    if missed:
        return '**missed**: ' + ', '.join(missed)
    if figure.aim_at_most is not None and figure.hearth is not None and not judged:
        return 'met' if figure.hearth <= figure.aim_at_most else '**missed**'
    return 'met' if judged else ''


def in_words(figure):
    return (f'{figure.name}, {figure.unit}: hearth {number(figure.hearth)}, Prometheus '
            f'{number(figure.prometheus)} ({times(ratio(figure.prometheus, figure.hearth))}), '
            f'VictoriaMetrics {number(figure.victoria)} '
            f'({times(ratio(figure.victoria, figure.hearth))}) {verdict(figure)} {figure.note}')


def markdown(report):
    lines = ['| figure | unit | hearth | Prometheus | VictoriaMetrics | less than Prometheus | '
             'less than VictoriaMetrics | gates | verdict | aim |',
             '|---|---|---|---|---|---|---|---|---|---|']
    for one in report.figures:
        gates = ' / '.join('–' if g is None else f'{g:g}x' for g in one.gates)
        lines.append('| ' + ' | '.join([
            one.name + (f' ({one.note})' if one.note else ''), one.unit, number(one.hearth),
            number(one.prometheus), number(one.victoria),
            times(ratio(one.prometheus, one.hearth)), times(ratio(one.victoria, one.hearth)),
            gates, verdict(one), one.aim]) + ' |')
    for title, table in report.tables:
        lines += ['', f'## {title}', '', *table]
    return lines


def geometric_mean(values):
    return statistics.geometric_mean(values) if values else None
