import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { use } from 'echarts/core';
import type { Draw } from './drawing.ts';
import { drawAxis } from './kinds/axis.ts';

use([BarChart, LineChart, GridComponent, LegendComponent]);

export const draw: Draw = drawAxis;
