"""A mixture's report as HTML."""

from __future__ import annotations

from html import escape

import yaml

from video_sft.mixing._report.facts import MixFacts
from video_sft.mixing._report.text import NUMBERS, REPORT_COLUMNS, TEXT_COLUMNS, cells, notes, smaller_tables

__all__ = ["html_body", "html_page"]

_STYLE = """
.mixture { font: 14px/1.45 system-ui, sans-serif; color: #222; }
.mixture table { border-collapse: collapse; margin: 1em 0; }
.mixture th { text-align: left; border-bottom: 2px solid #222; padding: .3em .8em .3em 0; font-weight: 600; }
.mixture td { border-bottom: 1px solid #ddd; padding: .3em .8em .3em 0; vertical-align: top; }
.mixture td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mixture tr.total td { font-weight: 600; border-top: 1px solid #222; }
.mixture .bar { position: relative; width: 9em; height: .6em; background: #eee; margin-top: .3em; }
.mixture .bar i { display: block; height: 100%; background: #0072b2; }
.mixture .bar b { position: absolute; top: -.2em; height: 1em; width: 2px; background: #d55e00; }
.mixture pre { background: #f6f6f6; padding: .8em; overflow: auto; }
"""


def html_page(report: MixFacts) -> str:
    """Return a whole page."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mixture</title>'
    return f"<!doctype html>\n<html lang=en>\n<head>{head}</head>\n<body>\n{html_body(report)}</body>\n</html>\n"


def html_body(report: MixFacts) -> str:
    """Return the report for use inside another page, such as a notebook."""
    widest = max([*(max(source.share, source.requested or 0) for source in report.sources), 1e-9])
    lines = [f"<style>{_STYLE}</style>", '<div class="mixture">', "<table>"]
    lines.append("<tr>" + "".join(f"<th>{escape(name)}</th>" for name in REPORT_COLUMNS) + "</tr>")
    for source in [*report.sources, report.total]:
        row = []
        for name, value in zip(REPORT_COLUMNS, cells(source), strict=True):
            bar = ""
            if name == "share" and source is not report.total:
                asked = "" if source.requested is None else f'<b style="left:{source.requested / widest:.1%}"></b>'
                bar = f'<div class="bar"><i style="width:{source.share / widest:.1%}"></i>{asked}</div>'
            number = "" if name in TEXT_COLUMNS else ' class="number"'
            row.append(f"<td{number}>{escape(value)}{bar}</td>")
        lines.append(f"<tr{' class=total' if source is report.total else ''}>" + "".join(row) + "</tr>")
    lines.append("</table>")
    for head, lines_of in smaller_tables(report):
        lines.append("<table><tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>")
        for values in lines_of:
            marked = zip(head, values, strict=True)
            cell = (f"<td{' class=number' * (name in NUMBERS)}>{escape(value)}</td>" for name, value in marked)
            lines.append(f"<tr>{''.join(cell)}</tr>")
        lines.append("</table>")
    lines += [f"<p>{escape(note)}</p>" for note in notes(report)]
    if report.recipe:
        recipe = yaml.safe_dump(dict(report.recipe), sort_keys=False, allow_unicode=True)
        lines.append(f"<details><summary>Recipe</summary><pre>{escape(recipe)}</pre></details>")
    return "\n".join([*lines, "</div>", ""])
