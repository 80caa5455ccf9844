import { PieChart, TreemapChart } from 'echarts/charts';
import { LegendComponent } from 'echarts/components';
import { use } from 'echarts/core';
import type { Draw } from './drawing.ts';
import { drawPie, drawTreemap } from './kinds/parts.ts';

use([PieChart, TreemapChart, LegendComponent]);

export function drawOf(kind: 'pie' | 'treemap'): Draw {
  return kind === 'pie' ? drawPie : drawTreemap;
}
