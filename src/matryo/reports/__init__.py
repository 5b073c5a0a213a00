"""Reports: tables, plots, pages. They format stored results and compute no measures."""

from matryo.reports.curve_report import curve_report
from matryo.reports.table import Cell, Column, Table
from matryo.reports.write import console_summary, run_summary, write_reports

__all__ = ["Cell", "Column", "Table", "console_summary", "curve_report", "run_summary", "write_reports"]
