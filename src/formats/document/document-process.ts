import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Recognition from 'tesseract.js';
import type { Worker } from 'tesseract.js';
import { readerFaultPoint } from '../../kit/fault.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import type { LoadPackage, OpenDocument } from './open-document.ts';
import { pageOf } from './page-text.ts';
import { openPdf } from './pdf-pages.ts';
import type { ReaderAnswer, ReaderQuestion, ReaderSetup } from './reader-messages.ts';
import { openTiff } from './tiff-pages.ts';

/**
 * The entry of a process that reads documents: it draws pages and recognises their text. If one of them makes it crash, run away or swell, only
 * this process goes. It holds no lock and no ledger, writes nothing, and asks nobody.
 */
const setup = JSON.parse(process.argv[2] ?? '{}') as ReaderSetup;

const { resolve } = createRequire(import.meta.url);
const load: LoadPackage = async <T>(name: string): Promise<T> => {
  const loaded = (await import(pathToFileURL(resolve(name)).href)) as T & { readonly default?: T };
  return loaded.default ?? loaded;
};

let recogniser: Promise<Worker> | undefined;
let open: OpenDocument | undefined;

// Ctrl-C reaches every process of the terminal: here the parent decides.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined);
// Without its parent there is nobody to read for.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (question: ReaderQuestion) => {
  void answer(question).then((message) => process.send?.(message));
});

async function answer(question: ReaderQuestion): Promise<ReaderAnswer> {
  try {
    if (question.kind === 'page') return { read: await readPage(question.page) };
    readerFaultPoint(`reader-${basename(question.name).split('.')[0]}`);
    await open?.close();
    open = await openDocument(question);
    return { pages: open.pages };
  } catch (error) {
    if (error instanceof UnitFault) return { problem: error.problem };
    return { failure: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}

async function openDocument({
  uri,
  document,
  options,
}: Extract<ReaderQuestion, { kind: 'open' }>): Promise<OpenDocument> {
  const bytes = await readFile(uri);
  switch (document) {
    case 'pdf':
      return openPdf(bytes, options, load, resolve);
    case 'tiff':
      return openTiff(bytes, load);
    default:
      return { pages: 1, page: async () => ({ picture: bytes }), close: async () => undefined };
  }
}

async function readPage(page: number): ReturnType<typeof readText> {
  if (open === undefined) throw new Error('no document is open');
  const shown = await open.page(page);
  if ('text' in shown) return { page, read_by: 'text layer', confidence: 100, text: shown.text, words: [] };
  return await readText(page, shown.picture);
}

async function readText(page: number, picture: Buffer): Promise<NonNullable<ReaderAnswer['read']>> {
  recogniser ??= startRecogniser();
  const worker = await recogniser;
  try {
    const { data } = await worker.recognize(picture, {}, { blocks: true, text: false });
    return pageOf(page, data);
  } catch (error) {
    throw new UnitFault('unreadable_picture', `page ${page} cannot be read as a picture: ${wordsOf(error)}`);
  }
}

async function startRecogniser(): Promise<Worker> {
  const { createWorker, OEM } = await load<typeof Recognition>('tesseract.js');
  return await createWorker([...setup.languages], OEM.LSTM_ONLY, {
    langPath: setup.language_folder,
    gzip: true,
    cacheMethod: 'none',
    errorHandler: () => undefined,
  });
}

function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]?.replace(/^Error: /, '') ?? '';
}
