import type { ReactNode } from 'react';
import type { BalanceShape } from '../../core/contract/pipeline.ts';
import { numberText } from './format.ts';
import { usePipelineWords } from './words.ts';

const WIDTH = 640;
const HEIGHT = 150;
const GAP = 10;
const BAR = 14;
/** What is a few rows among millions can still be seen. */
const LEAST = 4;

/** Rows in = rows out + quarantined + deduplicated + filtered, as bands whose widths are the numbers. */
export function Balance({ balance }: { readonly balance: BalanceShape }): ReactNode {
  const { say, language } = usePipelineWords();
  const parts = [
    { kind: 'out', title: say.rows_out, rows: balance.rows_out },
    { kind: 'quarantined', title: say.quarantined, rows: balance.quarantined },
    { kind: 'deduplicated', title: say.deduplicated, rows: balance.deduplicated },
    { kind: 'filtered', title: say.filtered, rows: balance.filtered },
  ];
  return (
    <div className="balance">
      <Bands parts={parts.filter(({ rows }) => rows > 0)} />
      <ul className="balance-parts">
        <li>
          <span className="balance-mark balance-in" aria-hidden="true" />
          {say.rows_in} <strong>{numberText(balance.rows_in, language)}</strong>
        </li>
        {parts.map(({ kind, title, rows }) => (
          <li key={kind}>
            <span className={`balance-mark balance-${kind}`} aria-hidden="true" />
            {title} <strong>{numberText(rows, language)}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Bands({ parts }: { readonly parts: readonly { readonly kind: string; readonly rows: number }[] }): ReactNode {
  const total = parts.reduce((sum, { rows }) => sum + rows, 0);
  if (total === 0) return null;
  const room = HEIGHT - GAP * (parts.length - 1);
  const raw = parts.map(({ rows }) => Math.max(LEAST, (rows / total) * room));
  const scale = room / raw.reduce((sum, one) => sum + one, 0);
  let left = (HEIGHT - room) / 2;
  let right = 0;
  const bands = parts.map(({ kind }, i) => {
    const height = (raw[i] ?? 0) * scale;
    const band = { kind, height, left, right };
    left += height;
    right += height + GAP;
    return band;
  });
  return (
    <svg className="balance-flow" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <rect className="balance-in" x={0} y={(HEIGHT - room) / 2} width={BAR} height={room} />
      {bands.map(({ kind, height, left: y0, right: y1 }) => (
        <g key={kind} className={`balance-${kind}`}>
          <path className="balance-band" d={bandOf(y0, y1, height)} />
          <rect x={WIDTH - BAR} y={y1} width={BAR} height={height} />
        </g>
      ))}
    </svg>
  );
}

function bandOf(y0: number, y1: number, height: number): string {
  const [x0, x1, middle] = [BAR, WIDTH - BAR, WIDTH / 2];
  return `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}V${y1 + height}C${middle} ${y1 + height} ${middle} ${y0 + height} ${x0} ${y0 + height}Z`;
}
