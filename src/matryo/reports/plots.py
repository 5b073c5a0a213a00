"""Everything that a report can show as a plot."""

from matryo.reports.bars import BarChart
from matryo.reports.charts import Chart
from matryo.reports.facets import FacetChart
from matryo.reports.kernel_drawing import KernelChart
from matryo.reports.pareto import ParetoChart
from matryo.reports.scatter_map import LayoutChart
from matryo.reports.study_scatter import ScatterChart
from matryo.reports.translation_heat import HeatChart

Plot = Chart | ParetoChart | FacetChart | BarChart | HeatChart | KernelChart | LayoutChart | ScatterChart
"""Has a name for its files, a title, a heading and a description in words."""
