import { explain } from '../../app/explain/explain.ts';
import { openWatch } from '../../app/watch/open-watch.ts';
import type { WatchRequest } from '../../app/watch/watch-request.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Invocation } from '../command-spec.ts';
import { Printer } from '../printer.ts';
import { loadProjectFor } from '../shared/open.ts';
import { ownCommand } from '../shared/own-command.ts';
import { WhyPrinter } from '../shared/why-printing.ts';
import type { Sink } from '../sink.ts';
import { isAscii, wantsColor } from '../style.ts';

/** Shows the terminal view. Exit 0 however it is left. */
export async function watchLive(invocation: Invocation): Promise<void> {
  const { rooms, options, env, signal, printer } = invocation;
  const { project } = await loadProjectFor(invocation);
  const view = await rooms.terminalView();
  const { read, detail, close } = await openWatch(rooms, project, signal);
  const request: WatchRequest = {
    read,
    detail,
    why: (table, cells) => whyLines(invocation, project, table, cells),
    commandOf: ownCommand(options),
    color: wantsColor({ no_color: options['color'] === false, is_tty: true, env }),
    ascii: isAscii(env),
    signal,
  };
  try {
    for (const line of await view.watch(request)) printer.note(line);
  } finally {
    close();
  }
}

/** Whether the view can be shown: both ends are a terminal that can move its cursor, and somebody is there. */
export function canWatch({ printer, env }: Pick<Invocation, 'printer' | 'env'>): boolean {
  const ci = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  return printer.format === 'table' && printer.on_terminal && process.stdin.isTTY && !ci && env['TERM'] !== 'dumb';
}

/** The lines that `dataflow why` prints. */
async function whyLines(
  { rooms, signal, printer }: Invocation,
  project: Project,
  table: string,
  cells: number,
): Promise<readonly string[]> {
  const report = await explain(rooms, project, table, signal);
  let text = '';
  const sink: Sink = {
    is_tty: true,
    columns: cells,
    closed: false,
    write: (part) => {
      text += part;
    },
    drained: () => Promise.resolve(),
  };
  const own = new Printer({
    format: 'table',
    stdout: sink,
    stderr: sink,
    width: cells,
    ascii: printer.ascii,
    redact: rooms.redact,
  });
  new WhyPrinter(own, true).print(report);
  return text.trimEnd().split('\n');
}

/** `--watch` shows all there is: what narrows the answer does not go with it. @throws DataflowError E_USAGE */
export function refuseNarrowed({ args, options }: Pick<Invocation, 'args' | 'options'>): void {
  const other = ['runs', 'drift', 'reasons'].find((name) => options[name] !== undefined);
  if (args.length === 0 && other === undefined) return;
  throw new DataflowError('E_USAGE', `--watch does not go with ${other === undefined ? 'a run' : `--${other}`}`, {
    hint: 'The view shows runs and reasons too: `dataflow status --watch`.',
  });
}
