import { TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { Drawing, Mark } from './drawing.ts';

use([CanvasRenderer, TooltipComponent]);

/** A drawn chart in its place. */
export interface Canvas {
  draw(drawing: Drawing): void;
  /** Points at a mark, as the pointer would; at nothing without one. */
  point(mark: Mark | undefined): void;
  resize(): void;
  remove(): void;
}

export function newCanvas(place: HTMLElement): Canvas {
  const chart = init(place, null, { renderer: 'canvas' });
  let drawn = false;
  return {
    draw: ({ option }) => {
      // Figures that change move to their new places; a page that opens shows them where they are.
      chart.setOption(drawn ? option : { ...option, animation: false }, { notMerge: true });
      drawn = true;
    },
    point: (mark) => {
      chart.dispatchAction({ type: 'downplay' });
      if (mark === undefined) return chart.dispatchAction({ type: 'hideTip' });
      const at = { seriesIndex: mark.series, dataIndex: mark.index };
      chart.dispatchAction({ type: 'highlight', ...at });
      chart.dispatchAction({ type: 'showTip', ...at });
    },
    resize: () => chart.resize(),
    remove: () => chart.dispose(),
  };
}
