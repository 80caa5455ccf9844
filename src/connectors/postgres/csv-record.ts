const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;

/** The fields of one record as COPY writes it; null for NULL. Only for the few records at which a position is noted. */
export function fieldsOf(record: Buffer): readonly (string | null)[] {
  const fields: (string | null)[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === QUOTE) {
      const end = closingQuote(record, at + 1);
      fields.push(record.toString('utf8', at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } else {
      let end = at;
      while (end < record.length && record[end] !== COMMA && record[end] !== LINE_FEED) end += 1;
      const text = record.toString('utf8', at, end);
      fields.push(text === '' ? null : text);
      at = end;
    }
    if (record[at] !== COMMA) return fields;
    at += 1;
  }
}

function closingQuote(record: Buffer, from: number): number {
  let at = from;
  for (;;) {
    at = record.indexOf(QUOTE, at);
    if (at < 0) return record.length;
    if (record[at + 1] !== QUOTE) return at;
    at += 2;
  }
}
