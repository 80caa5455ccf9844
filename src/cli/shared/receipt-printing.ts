import { shownMoney, shownOverrun } from '../../app/run/run-meter.ts';
import type { Receipt } from '../../core/model/receipt.ts';
import { groupedDigits, sizeText } from '../../kit/units.ts';
import type { Printer } from '../printer.ts';

/** What a run took and used, in two lines, and what was out of the ordinary. */
export function printReceipt(printer: Printer, receipt: Receipt): void {
  const { style } = printer;
  for (const line of receiptLines(receipt)) printer.text(`  ${style.dim(line)}`);
  for (const step of receipt.retried_steps)
    printer.text(`  ${step} ran out of memory and was done again with a smaller plan`);
  for (const overrun of receipt.over_budget)
    printer.text(`  over budget: ${shownOverrun(overrun, 'used', { price: priceOf(receipt) })}`);
}

/** The two lines of figures. */
export function receiptLines(receipt: Receipt): readonly string[] {
  const { rows_in, rows_out, rows_per_second, money, currency } = receipt;
  const speed = rows_per_second === null ? [] : [`${counted(rows_per_second, 'row')}/s`];
  const cost = money === null ? [] : [`${shownMoney(money)} ${currency ?? ''}`];
  const readers = receipt.reader_peak_memory_bytes;
  const reader = readers === 0 ? [] : [`${sizeText(readers)} reader`];
  return [
    [
      `in ${counted(rows_in, 'row')}, ${sizeText(receipt.bytes_in)}`,
      `out ${counted(rows_out, 'row')}, ${sizeText(receipt.bytes_out)}`,
      ...speed,
    ].join('; '),
    [
      `${seconds(receipt.wall_ms)} wall, ${seconds(receipt.cpu_ms)} CPU`,
      [`${sizeText(receipt.peak_memory_bytes)} peak memory`, ...reader].join(' + '),
      ...cost,
    ].join('; '),
  ];
}

function priceOf({ currency }: Receipt): { readonly currency: string } {
  return { currency: currency ?? '' };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function counted(count: number, what: string): string {
  return `${groupedDigits(count)} ${what}${count === 1 ? '' : 's'}`;
}
