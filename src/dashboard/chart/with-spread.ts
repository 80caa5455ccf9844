import { BoxplotChart, HeatmapChart } from 'echarts/charts';
import { GridComponent, VisualMapContinuousComponent } from 'echarts/components';
import { use } from 'echarts/core';
import type { Draw } from './drawing.ts';
import { drawBoxes, drawHeat } from './kinds/spread.ts';

use([BoxplotChart, HeatmapChart, GridComponent, VisualMapContinuousComponent]);

export function drawOf(kind: 'boxplot' | 'heatmap'): Draw {
  return kind === 'boxplot' ? drawBoxes : drawHeat;
}
