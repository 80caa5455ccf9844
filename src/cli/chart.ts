import { cellWidth, cutToWidth, escapeControls, padToWidth } from '../kit/terminal-text.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** How the value is written; by default as JavaScript writes it. */
  readonly text?: string;
}

const LABEL_CELLS_MAX = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A horizontal bar chart, one line a bar, at most `width` cells wide. Bars start at zero; negative and missing values have none.
 * `ascii` draws with `#` for terminals without Unicode.
 */
export function barChart(bars: readonly Bar[], width: number, ascii: boolean): readonly string[] {
  const labels = bars.map((bar) => cutToWidth(escapeControls(bar.label), LABEL_CELLS_MAX));
  const texts = bars.map((bar) => escapeControls(bar.text ?? String(bar.value)));
  const label_cells = Math.max(0, ...labels.map(cellWidth));
  const text_cells = Math.max(0, ...texts.map(cellWidth));
  const bar_cells = Math.max(1, width - label_cells - text_cells - 4);
  const most = Math.max(0, ...bars.map((bar) => (Number.isFinite(bar.value) ? bar.value : 0)));
  return bars.map((bar, i) => {
    const share = most > 0 && bar.value > 0 ? bar.value / most : 0;
    const drawn = padToWidth(drawBar(share * bar_cells, ascii), bar_cells, 'left');
    return `${padToWidth(labels[i] ?? '', label_cells, 'left')}  ${drawn}  ${padToWidth(texts[i] ?? '', text_cells, 'right')}`;
  });
}

function drawBar(cells: number, ascii: boolean): string {
  if (ascii) return '#'.repeat(Math.round(cells));
  const eighths = Math.round(cells * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
