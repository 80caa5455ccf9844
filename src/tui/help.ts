import { type Line, line, segment } from './line.ts';
import type { UiState } from './ui-state.ts';

const key = (name: string, words: string): Line => line(segment(name.padEnd(12), 'bold'), words);

/** What the keys do. The parts that change something say with what. */
export const HELP: readonly Line[] = [
  key('1-6, tab', 'tables, graph, runs, quarantine, destinations, log'),
  key('up, down', 'move (also k, j; page up, page down; g, G: first, last)'),
  key('left, right', 'in the graph: to what the table reads, to what reads it'),
  key('enter', 'open a table: balance, why, versions, quarantine, schema'),
  key('esc', 'back; clears the filter'),
  key('/', 'filter by name or state'),
  line(),
  key('r', 'retry the newest (or chosen) run: dataflow retry'),
  key('c', 'cancel the run at work: the signal of Ctrl-C'),
  key('p', 'replay the quarantine of a table: dataflow quarantine replay'),
  line(segment('             each shows its command line and asks first', 'dim')),
  line(),
  key('q', 'quit; runs go on'),
  line(),
  line(
    segment('<', 'active'),
    segment(' is read by the chosen table, ', 'dim'),
    segment('>', 'active'),
    segment(' reads it. Times are UTC.', 'dim'),
  ),
];

const GAP = '   ';

/** The keys that matter where one is, as many as there is room for. */
export function keysLine(ui: UiState, width: number): Line {
  const shown: readonly (readonly [string, string])[] = ui.help
    ? [['any key', 'back']]
    : ui.open !== undefined
      ? [
          ['esc', 'back'],
          ['up down', 'scroll'],
          ['p', 'replay'],
          ['?', 'help'],
          ['q', 'quit'],
        ]
      : [
          ['?', 'help'],
          ['q', 'quit'],
          ['enter', 'open'],
          ['/', 'filter'],
          ['r', 'retry'],
          ['c', 'cancel'],
          ['p', 'replay'],
        ];
  let room = width;
  const fitting = shown.filter(([name, words]) => {
    room -= name.length + words.length + GAP.length + 1;
    return room + GAP.length >= 0;
  });
  return line(
    ...fitting.flatMap(([name, words], i) => [
      segment(`${i === 0 ? '' : GAP}${name}`, 'bold'),
      segment(` ${words}`, 'dim'),
    ]),
  );
}
