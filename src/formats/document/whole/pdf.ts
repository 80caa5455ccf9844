import { UnitFault } from '../../stream/unit-fault.ts';

/** Where programs look for the end of a PDF. */
const TAIL_BYTES = 1024;
/** What stands where the table of objects is. */
const TABLE = /^\s*(xref\b|\d+\s+\d+\s+obj\b)/;

/**
 * The end is there, and it points to a table of objects. Libraries rebuild a table that is missing and show what is left; that would be half of the
 * document. @throws UnitFault
 */
export function checkPdf(bytes: Buffer): void {
  const tail = bytes.subarray(-TAIL_BYTES).toString('latin1');
  const end = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(tail.replace(/\0+$/, ''));
  if (end === null) throw damaged('it ends before its end mark (%%EOF)', bytes.length);
  // What stands before the header shifts all places.
  const shift = bytes.subarray(0, TAIL_BYTES).indexOf('%PDF-');
  const at = Number(end[1]);
  const places = [at, at + shift].map((place) => bytes.toString('latin1', place, place + 40));
  if (!places.some((text) => TABLE.test(text))) throw damaged('its end points to no table of objects', at);
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_pdf', reason, { byte_offset });
}
