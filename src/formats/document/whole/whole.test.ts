import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnitFault } from '../../stream/unit-fault.ts';
import { wholeDocument } from './whole.ts';

/** Drawn by a package that is installed apart. */
const scans = await import('../../../../test/support/scans.ts').catch(() => undefined);
const WHY = scans === undefined ? ' — skipped: @napi-rs/canvas is not there' : '';

const LINES = [{ text: 'Société Générale' }, { text: 'TOTAL 12,50 €' }];
const SOUND =
  scans === undefined
    ? {}
    : {
        png: scans.drawPng(LINES),
        jpeg: scans.drawJpeg(LINES),
        tiff: scans.drawTiff([LINES, LINES]),
        pdf: scans.scannedPdf([LINES, LINES]),
      };

describe.skipIf(scans === undefined)(`wholeDocument${WHY}`, () => {
  it.each(Object.entries(SOUND))('%s: knows it by its bytes and the size of its pages', (kind, bytes) => {
    const frames = { png: 1, jpeg: 1, tiff: 2, pdf: 0 }[kind] ?? 0;
    const size = { width: 900, height: 240 };
    expect(wholeDocument(bytes)).toEqual({ kind, frames: Array.from({ length: frames }, () => size) });
  });

  it.each(Object.entries(SOUND))('%s: refuses what was cut off, wherever that was', (kind, bytes) => {
    // The line end behind the end mark of a PDF is no part of it, and the last directory of a TIFF ends with its link.
    const last = kind === 'pdf' ? bytes.length - 2 : bytes.length - 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: last }), (length) => {
        expect(() => wholeDocument(bytes.subarray(0, length))).toThrow(UnitFault);
      }),
      { numRuns: 300, examples: [[0], [1], [8], [last]] },
    );
  });

  it.each(Object.entries(SOUND))('%s: refuses a tail of zeros, as a power cut leaves it', (_, bytes) => {
    const half = Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(bytes.length - bytes.length / 2)]);
    expect(() => wholeDocument(half)).toThrow(UnitFault);
  });

  it('png: refuses any changed byte', () => {
    const bytes = SOUND.png ?? Buffer.alloc(0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ change;
        expect(() => wholeDocument(other)).toThrow(UnitFault);
      }),
      { numRuns: 300 },
    );
  });

  it.each(Object.entries(SOUND))('%s: any damage ends in an answer or a refusal', (_, bytes) => {
    const damages = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(damages, (changes) => {
        const other = Buffer.from(bytes);
        for (const [at, byte] of changes) other[at % 400] = byte;
        try {
          wholeDocument(other);
        } catch (error) {
          expect(error).toBeInstanceOf(UnitFault);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('wholeDocument without pictures', () => {
  it.each([
    ['empty_file', Buffer.alloc(0)],
    ['wrong_format', Buffer.from('TOTAL 12,50')],
    ['wrong_format', Buffer.from('GIF89a')],
    ['damaged_tiff', Buffer.from('49492a000800000000000000000000000000', 'hex')],
    ['damaged_jpeg', Buffer.from('ffd8ffd9', 'hex')],
    ['damaged_pdf', Buffer.from('%PDF-1.4\nstartxref\n0\n%%EOF\n')],
  ])('%s', (rule, bytes) => {
    expect(() => wholeDocument(bytes)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ rule }) }) as Error,
    );
  });

  it('a directory that leads back to itself is refused', () => {
    const bytes = Buffer.alloc(100);
    bytes.write('II*\0', 'latin1');
    bytes.writeUInt32LE(8, 4);
    bytes.writeUInt16LE(0, 8);
    bytes.writeUInt32LE(8, 10);
    expect(() => wholeDocument(bytes)).toThrow('a page has no size');
  });
});
