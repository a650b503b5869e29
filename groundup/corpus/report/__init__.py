"""``report.html``: the corpus on one page, for a person to judge its thresholds by.

page.py      the page and its sections
measures.py  what rules measured, against their thresholds
charts.py    histograms and bars as inline SVG
page.css     how it looks
"""

from groundup.corpus.report.page import report_page

__all__ = ["report_page"]
