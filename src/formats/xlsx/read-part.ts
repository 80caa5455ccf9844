import { UnitFault } from '../stream/unit-fault.ts';
import type { ZipMembers } from '../stream/zip.ts';
import { type XmlEvents, XmlReader } from '../xml/events.ts';

/** A cell holds 32,767 characters at most; writers that do not keep to that are given room. */
const TEXT_CHARS_MAX = 16 * 1024 * 1024;

/** Reads one XML part of the workbook to its end. @throws UnitFault */
export async function readPart(zip: ZipMembers, name: string, events: XmlEvents, signal?: AbortSignal): Promise<void> {
  const reader = new XmlReader({ ...bound(events), declared: (said) => refuseEncoding(said, name) }, TEXT_CHARS_MAX);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Buffer): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new UnitFault('invalid_encoding', `its part ${name} is not UTF-8`);
    }
  };
  try {
    for await (const chunk of zip.read(name, signal)) reader.push(decode(chunk));
    reader.push(decode());
    reader.end();
  } catch (error) {
    // Lines of a part mean nothing to a person; those of a sheet are rows.
    if (error instanceof UnitFault && error.problem.rule === 'damaged_xml')
      throw new UnitFault('damaged_xlsx', `in its part ${name}: ${error.problem.reason}`);
    throw error;
  }
}

function bound(events: XmlEvents): XmlEvents {
  return {
    open: (name, attributes) => events.open(name, attributes),
    close: (name) => events.close(name),
    text: (text) => events.text(text),
  };
}

function refuseEncoding(said: string, name: string): void {
  if (!/^utf-?8$/i.test(said)) throw new UnitFault('invalid_encoding', `its part ${name} is ${said}, not UTF-8`);
}
