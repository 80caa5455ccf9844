import { posix } from 'node:path';
import { UnitFault } from '../stream/unit-fault.ts';
import type { ZipMembers } from '../stream/zip.ts';
import { type DateKind, dateKind } from './dates.ts';
import { readPart } from './read-part.ts';

/** What is needed of a workbook to read one of its sheets. */
export interface Workbook {
  /** The sheet's part. */
  readonly part: string;
  readonly from_1904: boolean;
  readonly texts: readonly string[];
  /** By the number of a cell's style. */
  readonly kinds: readonly (DateKind | undefined)[];
}

/** Texts are looked up by number in any order, so they are kept in memory. */
const TEXTS_CHARS_MAX = 128 * 1024 * 1024;

interface Link {
  readonly type: string;
  readonly target: string;
}

/** Finds the sheet (by name, by number from 1, or the first) and reads the parts that its cells refer to. @throws UnitFault */
export async function readWorkbook(
  zip: ZipMembers,
  sheet: string | number | undefined,
  signal?: AbortSignal,
): Promise<Workbook> {
  const main = [...(await linksOf(zip, '', signal)).values()].find((link) => link.type === 'officeDocument');
  if (main === undefined) throw new UnitFault('damaged_xlsx', 'it is a zip archive without a workbook');
  const links = await linksOf(zip, main.target, signal);
  const book = await readSheets(zip, main.target, signal);
  const sheets = book.sheets.flatMap(({ name, id }) => {
    const link = links.get(id);
    if (link === undefined) throw new UnitFault('damaged_xlsx', `its sheet ${name} leads nowhere`);
    return link.type === 'worksheet' ? [{ name, part: link.target }] : [];
  });
  const chosen = typeof sheet === 'string' ? sheets.find((one) => one.name === sheet) : sheets[(sheet ?? 1) - 1];
  if (chosen === undefined)
    throw new UnitFault(
      'missing_sheet',
      `it has no sheet ${sheet ?? 1}; its sheets are ${sheets.map((one) => one.name).join(', ') || 'none'}`,
    );
  const partOf = (type: string): string | undefined => [...links.values()].find((link) => link.type === type)?.target;
  return {
    part: chosen.part,
    from_1904: book.from_1904,
    texts: await readTexts(zip, partOf('sharedStrings'), signal),
    kinds: await readKinds(zip, partOf('styles'), signal),
  };
}

/** Links of a part to others, by id. */
async function linksOf(zip: ZipMembers, part: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Link>> {
  const folder = posix.dirname(part);
  const links = new Map<string, Link>();
  const open = (name: string, at: Readonly<Record<string, string>>): void => {
    if (name !== 'Relationship' || at['TargetMode'] === 'External') return;
    const target = at['Target'] ?? '';
    links.set(at['Id'] ?? '', {
      type: (at['Type'] ?? '').split('/').at(-1) ?? '',
      target: target.startsWith('/') ? target.slice(1) : posix.join(folder, target),
    });
  };
  await readPart(
    zip,
    posix.join(folder, '_rels', `${posix.basename(part)}.rels`),
    { open, close: nothing, text: nothing },
    signal,
  );
  return links;
}

function nothing(): void {}

async function readSheets(
  zip: ZipMembers,
  part: string,
  signal?: AbortSignal,
): Promise<{ from_1904: boolean; sheets: readonly { name: string; id: string }[] }> {
  const sheets: { name: string; id: string }[] = [];
  let from_1904 = false;
  const open = (name: string, at: Readonly<Record<string, string>>): void => {
    if (name === 'workbookPr') from_1904 = isTrue(at['date1904']);
    if (name !== 'sheet') return;
    const id = Object.entries(at).find(([key]) => /:id$/.test(key))?.[1] ?? '';
    sheets.push({ name: at['name'] ?? '', id });
  };
  await readPart(zip, part, { open, close: nothing, text: nothing }, signal);
  return { from_1904, sheets };
}

export function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true' || value === 'on';
}

async function readTexts(zip: ZipMembers, part: string | undefined, signal?: AbortSignal): Promise<readonly string[]> {
  const texts: string[] = [];
  if (part === undefined) return texts;
  let chars = 0;
  let text = '';
  let taking = false;
  let phonetic = false;
  await readPart(
    zip,
    part,
    {
      open: (name) => {
        if (name === 'si') text = '';
        else if (name === 'rPh') phonetic = true;
        else if (name === 't') taking = !phonetic;
      },
      close: (name) => {
        if (name === 't') taking = false;
        else if (name === 'rPh') phonetic = false;
        else if (name === 'si') {
          chars += text.length;
          if (chars > TEXTS_CHARS_MAX)
            throw new UnitFault('unsafe_file', `its cells share more than ${TEXTS_CHARS_MAX} characters of text`);
          texts.push(unescaped(text));
        }
      },
      text: (more) => {
        if (taking) text += more;
      },
    },
    signal,
  );
  return texts;
}

/** Characters that XML cannot hold stand as `_x000D_`. */
export function unescaped(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([0-9a-fA-F]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

async function readKinds(
  zip: ZipMembers,
  part: string | undefined,
  signal?: AbortSignal,
): Promise<readonly (DateKind | undefined)[]> {
  const codes = new Map<number, string>();
  const ids: number[] = [];
  let inCells = false;
  if (part === undefined) return [];
  await readPart(
    zip,
    part,
    {
      open: (name, at) => {
        if (name === 'numFmt') codes.set(Number(at['numFmtId']), at['formatCode'] ?? '');
        else if (name === 'cellXfs') inCells = true;
        else if (name === 'xf' && inCells) ids.push(Number(at['numFmtId'] ?? 0));
      },
      close: (name) => {
        if (name === 'cellXfs') inCells = false;
      },
      text: nothing,
    },
    signal,
  );
  return ids.map((id) => dateKind(id, codes.get(id)));
}
