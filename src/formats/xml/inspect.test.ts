import { describe, expect, it } from 'vitest';
import type { InspectOptions } from '../../core/ports/format.ts';
import { convert } from '../convert.fixture.ts';

const inspect = (text: string | Buffer, options: Partial<InspectOptions> = {}) =>
  convert('xml', text, { record: 'orders/order', ...options });

const orders = `<?xml version="1.0"?>
<orders xmlns:x="urn:x"><head><order>no</order></head>
  <order x:id="1"
    paid="yes">
    <price cur="EUR">10.00</price><x:note>a &lt;b&gt; <![CDATA[&c]]></x:note>
    <item>p</item><item><sku>q</sku></item><none/>
  </order>
  <order><price>007</price></order>
</orders>
`;

describe('xml', () => {
  it('makes a record of each element, on the line where it begins', async () => {
    const found = await inspect(orders);
    const lines = found.text?.split('\n') ?? [];
    expect(lines.map((line) => (line === '' ? null : JSON.parse(line)))).toEqual([
      null,
      null,
      {
        '@id': '1',
        '@paid': 'yes',
        price: { '@cur': 'EUR', '#text': '10.00' },
        note: 'a <b> &c',
        item: ['p', { sku: 'q' }],
        none: null,
      },
      null,
      null,
      null,
      null,
      { price: '007' },
      null,
    ]);
    expect(found).toMatchObject({ records: 2, first_record_line: 3, multiline_records: true });
  });

  it('counts records where they share lines', async () => {
    const found = await inspect(orders.replaceAll('\n', ' '));
    expect(found.text?.split('\n').map((line) => line.slice(0, 10))).toEqual(['{"@id":"1"', '{"price":"', '']);
    expect(found).toMatchObject({ records: 2, first_record_line: 1, multiline_records: false });
    expect(found.notes[0]).toMatch(/several records begin on one line/);
  });

  it('goes by the encoding that the document states', async () => {
    const text = '<?xml version="1.0" encoding="ISO-8859-1"?><orders><order><n>été</n></order></orders>';
    expect((await inspect(Buffer.from(text, 'latin1'))).text).toBe('{"n":"été"}\n');
    expect((await inspect(text.replace('ISO-8859-1', 'KOI8-R'))).problem?.rule).toBe('invalid_encoding');
    expect((await inspect(Buffer.from(text.replace('ISO-8859-1', 'UTF-8'), 'latin1'))).problem).toMatchObject({
      rule: 'invalid_encoding',
    });
  });

  it('is refused wherever it is cut', async () => {
    const end = orders.indexOf('</orders>') + '</orders>'.length;
    for (let at = 0; at < end; at += 3) {
      const { problem } = await inspect(orders.slice(0, at));
      expect(problem, `cut at ${at}`).toBeDefined();
    }
    expect((await inspect(orders.slice(0, end))).records).toBe(2);
  });

  it('is whole in pieces of any size', async () => {
    const many = `<orders>${'<order><n>é😀</n></order>\n'.repeat(40_000)}</orders>`;
    const found = await inspect(many);
    expect(found.records).toBe(40_000);
    expect(new Set(found.text?.trim().split('\n'))).toEqual(new Set(['{"n":"é😀"}']));
  });

  it.each([
    ['xml_entities', '<!DOCTYPE o [<!ENTITY a "aaa"><!ENTITY b "&a;&a;">]><orders><order>&b;</order></orders>'],
    ['xml_entities', '<!DOCTYPE o SYSTEM "file:///etc/passwd"><orders><order/></orders>'],
    ['xml_entities', '<orders>\n<order>&pass;</order></orders>'],
    ['damaged_xml', '<orders>\n<order></orders>'],
    ['damaged_xml', '<orders><order/></orders><orders/>'],
    ['unsafe_file', '<a>'.repeat(300)],
    ['record_too_long', `<orders><order>${'<x>1</x>'.repeat(100_000)}</order></orders>`],
    ['empty_file', '<orders><other/></orders>'],
    ['wrong_format', 'PK\x03\x04 and more'],
  ])('refuses %s: %.60s', async (rule, text) => {
    expect((await inspect(text, { max_line_bytes: 50_000 })).problem?.rule).toBe(rule);
  });

  it('needs to be told what a record is', async () => {
    expect((await convert('xml', orders)).problem?.rule).toBe('missing_record_path');
  });
});
