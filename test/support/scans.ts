import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';

/** One line of a drawn document. `faint`: so pale and small that the recogniser has doubts. */
export interface DrawnLine {
  readonly text: string;
  readonly faint?: boolean;
}

const WIDTH = 900;
const LINE_HEIGHT = 70;
const MARGIN = 50;

/** A picture of a page with these lines. */
export function drawPng(lines: readonly DrawnLine[]): Buffer {
  return drawn(lines).toBuffer('image/png');
}

export function drawJpeg(lines: readonly DrawnLine[]): Buffer {
  return drawn(lines).toBuffer('image/jpeg', 92);
}

/** A PDF with a text layer: a page for each list of lines. */
export function drawPdf(pages: readonly (readonly DrawnLine[])[]): Buffer {
  const book = new PdfBook();
  const font = book.add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
  for (const lines of pages) {
    const texts = lines.map(
      ({ text }, index) =>
        `BT /F 17 Tf ${MARGIN / 2} ${(heightOf(lines) - MARGIN - index * LINE_HEIGHT) / 2} Td (${text.replace(/[()\\]/g, '\\$&')}) Tj ET`,
    );
    const drawing = Buffer.from(texts.join('\n').replaceAll('€', '\x80'), 'latin1');
    book.page(lines, `/Font << /F ${font} 0 R >>`, drawing);
  }
  return book.finish();
}

/** A PDF as scanners make them: each page a JPEG picture, no text. */
export function scannedPdf(pages: readonly (readonly DrawnLine[])[]): Buffer {
  const book = new PdfBook();
  for (const lines of pages) {
    const picture = book.picture(lines);
    const drawing = Buffer.from(`q ${WIDTH / 2} 0 0 ${heightOf(lines) / 2} 0 0 cm /P Do Q`);
    book.page(lines, `/XObject << /P ${picture} 0 R >>`, drawing);
  }
  return book.finish();
}

/** A PDF page with a line of text over a picture of others: as large as the page, as scanners with a recogniser of their own make them. */
export function layeredPdf(text: string, lines: readonly DrawnLine[]): Buffer {
  const book = new PdfBook();
  const font = book.add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
  const picture = book.picture(lines);
  // Mode 3 draws nothing.
  const drawing = `q ${WIDTH / 2} 0 0 ${heightOf(lines) / 2} 0 0 cm /P Do Q BT 3 Tr /F 17 Tf 10 10 Td (${text}) Tj ET`;
  book.page(lines, `/Font << /F ${font} 0 R >> /XObject << /P ${picture} 0 R >>`, Buffer.from(drawing));
  return book.finish();
}

/** An uncompressed TIFF with a page for each list of lines, in grey. */
export function drawTiff(pages: readonly (readonly DrawnLine[])[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 0x2a, 0, 0, 0, 0, 0])];
  let at = 8;
  let link = { part: 0, at: 4 };
  for (const lines of pages) {
    const height = heightOf(lines);
    const pixels = drawn(lines).getContext('2d').getImageData(0, 0, WIDTH, height).data;
    const grey = Buffer.from(Array.from({ length: WIDTH * height }, (_, n) => pixels[n * 4] ?? 0));
    const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
      [256, 3, WIDTH],
      [257, 3, height],
      [258, 3, 8],
      [259, 3, 1],
      [262, 3, 1],
      [273, 4, at],
      [277, 3, 1],
      [278, 4, height],
      [279, 4, grey.length],
    ];
    const directory = Buffer.alloc(2 + entries.length * 12 + 4);
    directory.writeUInt16LE(entries.length, 0);
    for (const [n, [tag, type, value]] of entries.entries()) {
      directory.writeUInt16LE(tag, 2 + n * 12);
      directory.writeUInt16LE(type, 4 + n * 12);
      directory.writeUInt32LE(1, 6 + n * 12);
      directory.writeUInt32LE(value, 10 + n * 12);
    }
    parts[link.part]?.writeUInt32LE(at + grey.length, link.at);
    parts.push(grey, directory);
    link = { part: parts.length - 1, at: directory.length - 4 };
    at += grey.length + directory.length;
  }
  return Buffer.concat(parts);
}

/** The objects of a PDF in the making: the catalogue, the list of pages, then what is added. */
class PdfBook {
  readonly #objects: Buffer[] = [Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'), Buffer.alloc(0)];
  readonly #pages: number[] = [];

  /** Returns the object's number. */
  add(content: string, stream?: Buffer): number {
    const head = Buffer.from(content);
    this.#objects.push(
      stream === undefined
        ? head
        : Buffer.concat([head, Buffer.from('\nstream\n'), stream, Buffer.from('\nendstream')]),
    );
    return this.#objects.length;
  }

  /** A picture of the lines, packed as JPEG. */
  picture(lines: readonly DrawnLine[]): number {
    const jpeg = drawJpeg(lines);
    const size = `/Width ${WIDTH} /Height ${heightOf(lines)} /ColorSpace /DeviceRGB /BitsPerComponent 8`;
    return this.add(`<< /Type /XObject /Subtype /Image ${size} /Filter /DCTDecode /Length ${jpeg.length} >>`, jpeg);
  }

  page(lines: readonly DrawnLine[], resources: string, drawing: Buffer): void {
    const content = this.add(`<< /Length ${drawing.length} >>`, drawing);
    const box = `[0 0 ${WIDTH / 2} ${heightOf(lines) / 2}]`;
    this.#pages.push(
      this.add(
        `<< /Type /Page /Parent 2 0 R /MediaBox ${box} /Resources << ${resources} >> /Contents ${content} 0 R >>`,
      ),
    );
  }

  finish(): Buffer {
    const kids = this.#pages.map((page) => `${page} 0 R`).join(' ');
    this.#objects[1] = Buffer.from(`<< /Type /Pages /Count ${this.#pages.length} /Kids [${kids}] >>`);
    const parts: Buffer[] = [Buffer.from('%PDF-1.4\n')];
    const places: number[] = [];
    let at = 9;
    for (const [index, object] of this.#objects.entries()) {
      places.push(at);
      const whole = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]);
      parts.push(whole);
      at += whole.length;
    }
    const table = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
    const size = places.length + 1;
    const trailer = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`;
    parts.push(Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${table}${trailer}`));
    return Buffer.concat(parts);
  }
}

function drawn(lines: readonly DrawnLine[]): Canvas {
  const canvas = createCanvas(WIDTH, heightOf(lines));
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, WIDTH, heightOf(lines));
  write(context, lines);
  return canvas;
}

function write(context: SKRSContext2D, lines: readonly DrawnLine[]): void {
  for (const [index, { text, faint }] of lines.entries()) {
    context.fillStyle = faint === true ? '#b8b8b8' : 'black';
    context.font = faint === true ? '11px sans-serif' : '34px sans-serif';
    context.fillText(text, MARGIN, MARGIN + index * LINE_HEIGHT);
  }
}

function heightOf(lines: readonly DrawnLine[]): number {
  return 2 * MARGIN + lines.length * LINE_HEIGHT;
}
