"""Everything that a report can show as a plot."""

from matryo.reports.bars import BarChart
from matryo.reports.charts import Chart
from matryo.reports.facets import FacetChart
from matryo.reports.pareto import ParetoChart

Plot = Chart | ParetoChart | FacetChart | BarChart
"""Has a name for its files, a title, a heading and a description in words."""
