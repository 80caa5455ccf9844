import { resolve } from 'node:path';
import { type DemoAllReport, demoAll } from '../../app/demo/demo-all.ts';
import { escapeControls, wrapWords } from '../../kit/terminal-text.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { tellTo } from '../shared/run-printing.ts';

/** `demo --all`: exit 1 when a check failed. */
export async function runDemoAll(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, cwd, env, signal } = invocation;
  const tell = tellTo(printer);
  const report = await demoAll(rooms, {
    ...(args[0] === undefined ? {} : { folder: resolve(cwd, args[0]) }),
    env,
    command: invocation.command_line,
    signal,
    now: (words) => printer.note(words),
    // Refused records and repeated requests are part of it; a step that fails is not.
    tell: (event) => {
      if (event.type === 'notice' || event.type === 'warning') printer.detail(event.message);
      else tell(event);
    },
  });
  const { red, green, dim } = printer.style;
  printer.report({
    document: report,
    sections: [
      {
        columns: [
          { name: 'check' },
          { name: 'expected', align: 'right' },
          { name: 'found', align: 'right' },
          {
            name: 'result',
            format: (value) => (value === 'pass' ? green('pass') : value === 'fail' ? red('FAIL') : dim('skipped')),
          },
        ],
        rows: report.checks.map((check) => ({ ...check })),
      },
    ],
  });
  printEnd(printer, report);
  return report.exit_code;
}

function printEnd(printer: Printer, { checks, passed, failed, skipped, wall_ms, folder, kept }: DemoAllReport): void {
  const seconds = (wall_ms / 1000).toFixed(1);
  for (const { detail } of checks)
    if (detail !== undefined) for (const line of wrapWords(escapeControls(detail), printer.width)) printer.error(line);
  printer.text('');
  printer.text(`${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
  if (kept) printer.text(`  look around: cd ${folder}; dataflow status`);
}
