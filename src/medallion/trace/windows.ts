import { child, children, constantOf, type SyntaxNode, word } from '../../core/lineage/syntax.ts';
import type { WindowReach } from './annotated.ts';
import { HIDDEN } from './rewrite.ts';

/** Functions whose result does not change when rows after the current one go away. */
const LOOKS_BACK = new Set(['row_number', 'rank', 'dense_rank']);

/** The hidden columns that say where a row stands in the partition of a window function, and which rows around it count. */
export function windowReach(
  window: SyntaxNode,
  number: number,
): { readonly reach: WindowReach; readonly items: readonly SyntaxNode[] } {
  const name = (suffix: string): string => `${HIDDEN}w${number}${suffix}`;
  const partitions = children(window, 'partitions');
  const [place, last_peer] = [name('n'), name('m')];
  const items = [
    ...partitions.map((key, index) => ({ ...key, alias: name(`p${index}`) })),
    numbered(window, place, 'row_number', 'WINDOW_ROW_NUMBER'),
    numbered(window, last_peer, 'count_star', 'WINDOW_AGGREGATE'),
  ];
  const partition = partitions.map((_, index) => name(`p${index}`));
  return { reach: { partition, place, last_peer, ...around(window) }, items };
}

/** A window function over the same partition and order, with the usual frame: up to the current row and its equals. */
function numbered(window: SyntaxNode, alias: string, function_name: string, type: string): SyntaxNode {
  return {
    class: 'WINDOW',
    type,
    alias,
    query_location: 0,
    function_name,
    schema: '',
    catalog: '',
    children: [],
    partitions: window['partitions'],
    orders: window['orders'],
    start: 'UNBOUNDED_PRECEDING',
    end: 'CURRENT_ROW_RANGE',
    start_expr: null,
    end_expr: null,
    offset_expr: null,
    default_expr: null,
    ignore_nulls: false,
    filter_expr: null,
    exclude_clause: 'NO_OTHER',
    distinct: false,
    arg_orders: [],
  };
}

function around(window: SyntaxNode): Pick<WindowReach, 'before' | 'behind'> {
  const whole = { before: undefined, behind: undefined };
  if (children(window, 'orders').length === 0 || children(window, 'arg_orders').length > 0) return whole;
  const name = word(window, 'function_name').toLowerCase();
  if (name === 'lag' || name === 'lead') {
    const offset = child(window, 'offset_expr') === undefined ? 1 : constantOf(child(window, 'offset_expr'));
    if (typeof offset !== 'number' || offset < 0 || window['ignore_nulls'] === true) return whole;
    return name === 'lag' ? { before: offset, behind: 0 } : { before: 0, behind: offset };
  }
  if (LOOKS_BACK.has(name)) return { before: undefined, behind: 0 };
  const usual = word(window, 'start') === 'UNBOUNDED_PRECEDING' && word(window, 'end') === 'CURRENT_ROW_RANGE';
  const whole_partition =
    ['ntile', 'percent_rank', 'cume_dist'].includes(name) || word(window, 'exclude_clause') !== 'NO_OTHER';
  return usual && !whole_partition ? { before: undefined, behind: 'peers' } : whole;
}
