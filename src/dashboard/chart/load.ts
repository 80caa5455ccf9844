import type { WidgetKind } from '../../core/contract/dashboard.ts';
import type { Draw } from './drawing.ts';

/** How a kind of chart is drawn; the part of ECharts that it needs is loaded with it. */
export async function loadDraw(kind: WidgetKind): Promise<Draw> {
  if (kind === 'pie' || kind === 'treemap') return (await import('./with-parts.ts')).drawOf(kind);
  if (kind === 'boxplot' || kind === 'heatmap') return (await import('./with-spread.ts')).drawOf(kind);
  return (await import('./with-axis.ts')).draw;
}
