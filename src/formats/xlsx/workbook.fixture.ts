import { zipOf } from '../zip.fixture.ts';

const LINK = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** What goes into a workbook: sheets as the XML of their rows. */
export interface BookParts {
  readonly sheets: Readonly<Record<string, string>>;
  readonly texts?: readonly string[];
  /** Format codes of the styles 1, 2, …; a number is a built-in format. Style 0 is the general one. */
  readonly formats?: readonly (string | number)[];
  readonly from_1904?: boolean;
  /** Behind the rows. */
  readonly after?: string;
}

/** A workbook as a spreadsheet program writes it, as its parts. */
export function bookParts(book: BookParts): Record<string, string> {
  const names = Object.keys(book.sheets);
  const formats = ['General', ...(book.formats ?? [])];
  const link = (id: string, type: string, target: string): string =>
    `<Relationship Id="${id}" Type="${LINK}/${type}" Target="${target}"/>`;
  const links = (inner: string): string => `${HEAD}<Relationships>${inner}</Relationships>`;
  return {
    '_rels/.rels': links(link('rId1', 'officeDocument', 'xl/workbook.xml')),
    'xl/workbook.xml': `${HEAD}<workbook xmlns:r="${LINK}"><workbookPr${book.from_1904 === true ? ' date1904="1"' : ''}/><sheets>${names
      .map((name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': links(
      names.map((_, at) => link(`rId${at + 1}`, 'worksheet', `worksheets/sheet${at + 1}.xml`)).join('') +
        link('rIdS', 'styles', 'styles.xml') +
        link('rIdT', 'sharedStrings', '/xl/sharedStrings.xml'),
    ),
    'xl/styles.xml': `${HEAD}<styleSheet><numFmts>${formats
      .map((code, at) =>
        typeof code === 'string' ? `<numFmt numFmtId="${200 + at}" formatCode="${attribute(code)}"/>` : '',
      )
      .join('')}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${formats
      .map((code, at) => `<xf numFmtId="${typeof code === 'number' ? code : 200 + at}"/>`)
      .join('')}</cellXfs></styleSheet>`,
    'xl/sharedStrings.xml': `${HEAD}<sst>${(book.texts ?? []).map((text) => `<si>${text}</si>`).join('')}</sst>`,
    ...Object.fromEntries(
      Object.values(book.sheets).map((rows, at) => [
        `xl/worksheets/sheet${at + 1}.xml`,
        `${HEAD}<worksheet><sheetData>${rows}</sheetData>${book.after ?? ''}</worksheet>`,
      ]),
    ),
  };
}

/** The same as a file. */
export function bookOf(book: BookParts): Buffer {
  return zipOf(bookParts(book));
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
