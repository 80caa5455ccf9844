import { describe, expect, it } from 'vitest';
import { type Format, Printer, type PrinterOptions } from './printer.ts';
import type { Sink } from './sink.ts';
import type { PrintData } from './table.ts';

class Memory implements Sink {
  readonly is_tty = false;
  readonly columns = undefined;
  closed = false;
  text = '';
  write(text: string): void {
    this.text += text;
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
}

function printing(format: Format, more: Partial<PrinterOptions> = {}): { printer: Printer; out: Memory; err: Memory } {
  const out = new Memory();
  const err = new Memory();
  return { printer: new Printer({ format, stdout: out, stderr: err, width: 80, ...more }), out, err };
}

const data: PrintData = {
  columns: ['name', { name: 'n', title: 'rows' }],
  rows: [{ name: 'a', n: 1, hidden: 'x' }, { name: 'é,"', n: 12345678901234567890n }, { name: null }],
};

describe('a table without rows', () => {
  const empty = { columns: ['name'], rows: [], when_empty: 'nothing yet' };

  it('is a sentence for people, and still a head for machines', () => {
    const told = printing('table');
    told.printer.table(empty);
    expect(told.out.text).toBe('nothing yet\n');
    const written = printing('csv');
    written.printer.table(empty);
    expect(written.out.text).toBe('name\n');
  });
});

describe('one set of data in four formats', () => {
  it.each([
    [
      'table',
      'name                  rows\n----  --------------------\na                        1\né,"   12345678901234567890\n\n',
    ],
    ['csv', 'name,n\na,1\n"é,""",12345678901234567890\n,\n'],
    ['ndjson', '{"name":"a","n":1}\n{"name":"é,\\"","n":"12345678901234567890"}\n{"name":null,"n":null}\n'],
  ] as const)('%s', (format, expected) => {
    const { printer, out, err } = printing(format);
    printer.table(data);
    expect(out.text).toBe(expected);
    expect(err.text).toBe('');
  });

  it('json is one document', () => {
    const { printer, out } = printing('json');
    printer.table(data);
    expect(JSON.parse(out.text)).toEqual([
      { name: 'a', n: 1 },
      { name: 'é,"', n: '12345678901234567890' },
      { name: null, n: null },
    ]);
  });
});

describe('Printer', () => {
  it('keeps remarks away from data', () => {
    for (const format of ['json', 'csv', 'ndjson'] as const) {
      const { printer, out, err } = printing(format);
      printer.text('for people only');
      printer.chart([{ label: 'a', value: 1 }]);
      printer.note('note');
      printer.warn('careful');
      expect(out.text).toBe('');
      expect(err.text).toBe('note\nwarning careful\n');
    }
  });

  it('is quiet and verbose as told', () => {
    const quiet = printing('table', { quiet: true });
    quiet.printer.note('no');
    quiet.printer.detail('no');
    quiet.printer.error('yes');
    expect(quiet.err.text).toBe('yes\n');
    const verbose = printing('table', { verbose: true });
    verbose.printer.detail('yes');
    expect(verbose.err.text).toBe('yes\n');
  });

  it('prints the document of a report in JSON, its sections in a table', () => {
    const report = {
      document: { a: [1] },
      sections: [{ title: 'T', columns: ['x'], rows: [{ x: 1 }], footer: ['end'] }],
    };
    const json = printing('json');
    json.printer.report(report);
    expect(JSON.parse(json.out.text)).toEqual({ a: [1] });
    const table = printing('table');
    table.printer.report(report);
    expect(table.out.text).toBe('T\nx\n-\n1\nend\n');
  });

  it('masks secrets on both streams', () => {
    const { printer, out, err } = printing('table', { redact: (text) => text.replaceAll('hunter2', '***') });
    printer.table({ columns: ['url'], rows: [{ url: 'x://hunter2@y' }] });
    printer.error('hunter2');
    expect(out.text + err.text).not.toContain('hunter2');
  });
});

describe('stream', () => {
  async function* batches(count: number, seen: { taken: number }): AsyncGenerator<PrintData> {
    for (let i = 0; i < count; i++) {
      seen.taken += 1;
      yield { columns: ['i'], rows: [{ i }, { i: i + 0.5 }] };
    }
  }

  it.each([
    ['csv', 'i\n0\n0.5\n1\n1.5\n'],
    ['ndjson', '{"i":0}\n{"i":0.5}\n{"i":1}\n{"i":1.5}\n'],
    ['table', '  i\n---\n  0\n0.5\n  1\n1.5\n'],
  ] as const)('writes one head and all rows as %s', async (format, expected) => {
    const { printer, out } = printing(format);
    expect(await printer.stream(batches(2, { taken: 0 }))).toBe(4);
    expect(out.text).toBe(expected);
  });

  it('writes one JSON array, also of nothing', async () => {
    for (const count of [0, 3]) {
      const { printer, out } = printing('json');
      await printer.stream(batches(count, { taken: 0 }));
      expect(JSON.parse(out.text)).toHaveLength(2 * count);
    }
  });

  it('stops taking batches when the reader has gone', async () => {
    const { printer, out } = printing('csv');
    const seen = { taken: 0 };
    out.write = () => {
      out.closed = true;
    };
    await printer.stream(batches(1000, seen));
    expect(seen.taken).toBe(1);
  });
});
