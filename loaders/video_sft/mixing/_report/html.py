"""A mixture's report as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import yaml

from video_sft.mixing._report.facts import MixFacts, SourceReport
from video_sft.mixing._report.text import (
    CONTENT_COLUMNS,
    NUMBERS,
    REPORT_COLUMNS,
    TEXT_COLUMNS,
    cells,
    notes,
    smaller_tables,
)

__all__ = ["html_body", "html_page"]

# Colours of the page it is in, and greys that show on light and on dark.
_STYLE = """
.mixture { font: 14px/1.45 system-ui, sans-serif; max-width: 64rem; }
.mixture h1, .mixture h2 { font-size: 1.4em; margin: 0 0 .4em; }
.mixture h3 { font-size: 1.05em; margin: 1.6em 0 0; }
.mixture .wide { overflow-x: auto; }
.mixture table { border-collapse: collapse; margin: .6em 0; }
.mixture th { text-align: left; vertical-align: bottom; border-bottom: 2px solid #888; padding: .3em .8em .3em 0;
  font-weight: 600; }
.mixture td { text-align: left; border-bottom: 1px solid #8886; padding: .3em .8em .3em 0; vertical-align: top; }
.mixture td:last-child:not(.number) { min-width: 12em; }
.mixture th.number, .mixture td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mixture tr.total td { font-weight: 600; border-top: 1px solid #888; }
.mixture .bar { position: relative; width: 11em; height: .7em; background: #8883; margin-top: .4em; }
.mixture .bar i { display: block; height: 100%; background: #2b8fd0; }
.mixture .bar b { position: absolute; top: -.2em; height: 1.1em; width: 3px; margin-left: -1px; background: #e8743b; }
.mixture .scale { display: flex; justify-content: space-between; width: 11em; font-weight: 400; }
.mixture .key { display: inline-block; width: 1.4em; height: .7em; background: #2b8fd0; }
.mixture .key.asked { width: 3px; height: 1em; background: #e8743b; vertical-align: text-bottom; }
.mixture pre { background: #8882; padding: .8em; overflow: auto; }
"""


def html_page(report: MixFacts) -> str:
    """Return a whole page."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f'<meta name="color-scheme" content="light dark"><title>{_heading(report)}</title>'
    return f"<!doctype html>\n<html lang=en>\n<head>{head}</head>\n<body>\n{html_body(report, 'h1')}</body>\n</html>\n"


def html_body(report: MixFacts, heading: str = "h2") -> str:
    """Return the report for use inside another page, such as a notebook; `heading` is the tag of its title."""
    widest = max([*(max(source.share, source.requested or 0) for source in report.sources), 1e-9])
    scale = min(1.0, -(-widest * 100 // 5) * 5 / 100)  # of all bars, a round number
    told = (
        f"What a mixture made by <code>video_sft.mix</code> consists of: {report.total.rows:,} rows, where they come "
        "from, what they are, and what was left out and why. "
        '<span class="key"></span> is the share of the rows that a part has'
    )
    if any(source.requested is not None for source in report.sources):
        told += ', <span class="key asked"></span> the share that was asked for'
    lines = [f"<style>{_STYLE}</style>", '<div class="mixture">', f"<{heading}>{_heading(report)}</{heading}>"]
    lines += [f"<p>{told}; all bars are to one scale.</p>", "<h3>Shares</h3>"]
    counted = [name for name in REPORT_COLUMNS if name not in CONTENT_COLUMNS]
    lines += _report_table(report, counted, scale)
    lines.append("<h3>Content</h3>")
    lines += _report_table(report, ["part", *CONTENT_COLUMNS], scale)
    for head, rows in smaller_tables(report):
        lines.append(f"<h3>{escape(head[0] if head[0] != 'part' else 'left out').capitalize()}</h3>")
        marked = ([_cell(name, escape(value)) for name, value in zip(head, row, strict=True)] for row in rows)
        lines += _table((_cell(name, name, "th") for name in head), (("", cell) for cell in marked))
    lines += [f"<p>{escape(note)}</p>" for note in notes(report)]
    if report.recipe:
        recipe = yaml.safe_dump(dict(report.recipe), sort_keys=False, allow_unicode=True)
        lines.append(f"<details><summary>Recipe</summary><pre>{escape(recipe)}</pre></details>")
    return "\n".join([*lines, "</div>", ""])


def _heading(report: MixFacts) -> str:
    names = [source.name for source in report.sources]
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"A mixture of {escape(told)}"


def _report_table(report: MixFacts, columns: Sequence[str], scale: float) -> list[str]:
    head = [_cell(name, name + (_axis(scale) if name == "share" else ""), "th") for name in columns]
    rows = []
    for source in [*report.sources, report.total]:
        whole = source is report.total
        values = dict(zip(REPORT_COLUMNS, map(escape, cells(source)), strict=True))
        if not whole:
            values["share"] += _bar(source, scale)
        rows.append((" class=total" if whole else "", [_cell(name, values[name]) for name in columns]))
    return _table(head, rows)


def _table(head: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    lines = [f"<tr{mark}>{''.join(row)}</tr>" for mark, row in rows]
    return ['<div class="wide"><table>', f"<tr>{''.join(head)}</tr>", *lines, "</table></div>"]


def _cell(name: str, content: str, tag: str = "td") -> str:
    number = name in NUMBERS or (name in REPORT_COLUMNS and name not in (*TEXT_COLUMNS, "share"))
    return f"<{tag}{' class=number' * number}>{content}</{tag}>"


def _bar(source: SourceReport, scale: float) -> str:
    asked = "" if source.requested is None else f'<b style="left:{source.requested / scale:.1%}"></b>'
    return f'<div class="bar"><i style="width:{source.share / scale:.1%}"></i>{asked}</div>'


def _axis(scale: float) -> str:
    return f'<div class="scale"><span>0%</span><span>{scale / 2:.1%}</span><span>{scale:.0%}</span></div>'
