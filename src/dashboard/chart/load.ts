import type { WidgetKind } from '../../core/contract/dashboard.ts';
import type { newCanvas } from './canvas.ts';
import type { Draw } from './drawing.ts';

/** What a chart is made with. */
export interface ChartTools {
  readonly draw: Draw;
  readonly newCanvas: typeof newCanvas;
}

/** ECharts with the part that a kind of chart needs: the heaviest of what the pages load, and the last. */
export async function loadTools(kind: WidgetKind): Promise<ChartTools> {
  const [canvas, draw] = await Promise.all([import('./canvas.ts'), drawOf(kind)]);
  return { draw, newCanvas: canvas.newCanvas };
}

async function drawOf(kind: WidgetKind): Promise<Draw> {
  if (kind === 'pie' || kind === 'treemap') return (await import('./with-parts.ts')).drawOf(kind);
  if (kind === 'boxplot' || kind === 'heatmap') return (await import('./with-spread.ts')).drawOf(kind);
  return (await import('./with-axis.ts')).draw;
}
