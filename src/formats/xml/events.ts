import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { UnitFault } from '../stream/unit-fault.ts';

/** What a reader of XML is told; names come without their namespace prefix. */
export interface XmlEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  close(name: string): void;
  text(text: string): void;
  /** The encoding that the document says it has. */
  declared?(encoding: string): void;
}

const DEPTH_MAX = 200;

/** An XML document read piece by piece. Entities of its own and external ones are refused, so nothing expands and nothing is fetched. */
export class XmlReader {
  readonly #parser = new SaxesParser();
  readonly #chars_max: number;
  #depth = 0;
  #started_line = 1;
  /** Characters since the last tag began or ended. */
  #since = 0;

  /** `chars_max`: limit on one text or tag, which has to be held as a whole. */
  constructor(events: XmlEvents, chars_max: number) {
    this.#chars_max = chars_max;
    const parser = this.#parser;
    parser.on('error', (error) => {
      throw this.#damaged(error.message);
    });
    parser.on('doctype', (text) => {
      if (/<!ENTITY|\b(SYSTEM|PUBLIC)\b/.test(text))
        throw new UnitFault('xml_entities', 'it declares entities or names an external document', {
          line: this.line,
        });
    });
    parser.on('xmldecl', (decl) => {
      if (decl.encoding !== undefined) events.declared?.(decl.encoding);
    });
    parser.on('opentagstart', () => {
      this.#started_line = parser.line;
    });
    parser.on('opentag', (tag: SaxesTagPlain) => {
      this.#since = 0;
      this.#depth += 1;
      if (this.#depth > DEPTH_MAX)
        throw new UnitFault('unsafe_file', `its elements are nested deeper than ${DEPTH_MAX}`, { line: this.line });
      events.open(localName(tag.name), tag.attributes);
    });
    parser.on('closetag', (tag) => {
      this.#since = 0;
      this.#depth -= 1;
      events.close(localName(tag.name));
    });
    parser.on('text', (text) => events.text(text));
    parser.on('cdata', (text) => events.text(text));
  }

  /** Where the reader stands. */
  get line(): number {
    return this.#parser.line;
  }

  /** Where the element began that was opened last. */
  get started_line(): number {
    return this.#started_line;
  }

  /** @throws UnitFault `damaged_xml`, `xml_entities`, `unsafe_file`, `record_too_long` */
  push(text: string): void {
    this.#since += text.length;
    this.#parser.write(text);
    if (this.#since > this.#chars_max + text.length)
      throw new UnitFault('record_too_long', `a text in it is longer than ${this.#chars_max} (max_line_bytes)`, {
        line: this.line,
      });
  }

  /** @throws UnitFault as {@link push} */
  end(): void {
    this.#parser.close();
  }

  #damaged(message: string): UnitFault {
    const entity = message.includes('undefined entity');
    return new UnitFault(
      entity ? 'xml_entities' : 'damaged_xml',
      `it is not well-formed XML: ${message.replace(/^\d+:\d+: /, '')}`,
      { line: this.line },
    );
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
