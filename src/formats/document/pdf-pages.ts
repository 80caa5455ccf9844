import { dirname, join, sep } from 'node:path';
import type * as Canvases from '@napi-rs/canvas';
import type * as Library from 'pdfjs-dist';
import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist';
import type { DocumentOptions } from '../../core/ports/format.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { grayPicture } from './gray.ts';
import type { LoadPackage, OpenDocument } from './open-document.ts';
import { picturesArea } from './pdf-pictures.ts';

const POINTS_AN_INCH = 72;
/** Below this nothing can be recognised. */
const DPI_MIN = 100;
/**
 * A page that is a picture to this part may have been scanned: its text is not all of it, or comes from another recogniser, whose doubts nobody
 * knows. Logos are smaller.
 */
const SCANNED_SHARE = 0.25;
/** Fonts that do not say which characters they draw give such ones instead. */
const NO_CHARACTERS = /[^\P{C}\n\t]|\uFFFD/gu;
const NO_CHARACTERS_SHARE = 0.05;

/** The pages of a PDF: their own text where they have some, else a drawing of them. Scripts in it are never run. */
export async function openPdf(
  bytes: Buffer,
  options: Pick<DocumentOptions, 'dpi' | 'text_layer' | 'max_pixels'>,
  load: LoadPackage,
  resolve: (name: string) => string,
): Promise<OpenDocument> {
  const canvases = await load<typeof Canvases>('@napi-rs/canvas');
  const library = await load<typeof Library>('pdfjs-dist/legacy/build/pdf.mjs');
  const folder = dirname(resolve('pdfjs-dist/package.json'));
  const document = await opened(library, folder, bytes);
  return {
    pages: document.numPages,
    page: async (number) => {
      const page = await guarded(`page ${number}`, () => document.getPage(number));
      try {
        const text = options.text_layer === 'use' ? await textOf(library, page, number) : '';
        if (text !== '') return { text };
        return { picture: await drawn(canvases, page, number, options) };
      } finally {
        page.cleanup();
      }
    },
    close: () => document.loadingTask.destroy(),
  };
}

async function opened(library: typeof Library, folder: string, bytes: Buffer): Promise<PDFDocumentProxy> {
  const at = (name: string): string => `${join(folder, name)}${sep}`;
  return await guarded(
    'it',
    () =>
      library.getDocument({
        data: new Uint8Array(bytes),
        standardFontDataUrl: at('standard_fonts'),
        cMapUrl: at('cmaps'),
        wasmUrl: at('wasm'),
        iccUrl: at('iccs'),
        isEvalSupported: false,
        enableXfa: false,
        disableFontFace: true,
        useSystemFonts: false,
        stopAtErrors: true,
        verbosity: 0,
      }).promise,
  );
}

/** The text that the page holds, line by line; empty when it was scanned, or its text is none. */
async function textOf(library: typeof Library, page: PDFPageProxy, number: number): Promise<string> {
  const { items } = await guarded(`page ${number}`, () => page.getTextContent());
  let text = '';
  for (const item of items) if ('str' in item) text += item.hasEOL ? `${item.str}\n` : item.str;
  if (text.trim() === '') return '';
  if ((text.match(NO_CHARACTERS)?.length ?? 0) > NO_CHARACTERS_SHARE * text.length) return '';
  const { width, height } = page.getViewport({ scale: 1 });
  const operators = await guarded(`page ${number}`, () => page.getOperatorList());
  return picturesArea(operators, library.OPS) > SCANNED_SHARE * width * height ? '' : text.trim();
}

async function drawn(
  { createCanvas }: typeof Canvases,
  page: PDFPageProxy,
  number: number,
  { dpi, max_pixels }: Pick<DocumentOptions, 'dpi' | 'max_pixels'>,
): Promise<Buffer> {
  const size = page.getViewport({ scale: 1 });
  const scale = Math.min(dpi / POINTS_AN_INCH, Math.sqrt(max_pixels / (size.width * size.height)));
  if (scale * POINTS_AN_INCH < Math.min(dpi, DPI_MIN))
    throw new UnitFault(
      'expansion_limit',
      `page ${number} measures ${Math.round(size.width)} × ${Math.round(size.height)} points, too many to be drawn (max_pixels)`,
    );
  const viewport = page.getViewport({ scale });
  const [width, height] = [Math.max(1, Math.floor(viewport.width)), Math.max(1, Math.floor(viewport.height))];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  const target = { canvas: null, canvasContext: context, viewport } as unknown as Parameters<PDFPageProxy['render']>[0];
  await guarded(`page ${number}`, () => page.render(target).promise);
  return grayPicture(context.getImageData(0, 0, width, height).data, width, height);
}

async function guarded<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'PasswordException') throw new UnitFault('encrypted', 'it has a password');
    throw new UnitFault('damaged_pdf', `${what} cannot be read: ${message}`);
  }
}
