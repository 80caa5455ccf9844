import { showRun } from '../../app/explain/show-run.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Printer } from '../printer.ts';
import { printReceipt } from './receipt-printing.ts';
import { stepsSection } from './run-printing.ts';
import { printWrapped, withoutStep } from './wrapped.ts';

/** One run: its steps with their balances, and what it took and used. */
export function printOneRun(printer: Printer, ledger: Ledger, name: string): number {
  const view = showRun(ledger, name);
  const { run, steps, receipt } = view;
  printer.report({ document: view, sections: [stepsSection(steps)] });
  printer.text('');
  const when = `${run.started_at.slice(0, 19).replace('T', ' ')} UTC`;
  printer.text(`run ${run.run_id}: ${run.status}, ${when}`);
  printWrapped(printer, `  ${run.command}`);
  if (run.error !== undefined) printWrapped(printer, `  ${run.error.code}: ${run.error.message}`);
  if (run.error?.hint !== undefined) printWrapped(printer, `  next: ${run.error.hint}`);
  for (const { step, error } of steps)
    if (error !== undefined) printWrapped(printer, `  ${step}: ${error.code}: ${withoutStep(step, error.message)}`);
  if (receipt !== undefined) printReceipt(printer, receipt);
  return 0;
}
