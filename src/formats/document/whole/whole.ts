import { UnitFault } from '../../stream/unit-fault.ts';
import type { DocumentKind, Frame } from '../reading.ts';
import { jpegFrame } from './jpeg.ts';
import { checkPdf } from './pdf.ts';
import { pngFrame } from './png.ts';
import { tiffFrames } from './tiff.ts';

/**
 * Which kind of document the bytes are, and that they are all there: what was cut off, or written over, must not be read as if it were less.
 * The pages of a PDF have no size in pixels.
 * @throws UnitFault
 */
export function wholeDocument(bytes: Buffer): { readonly kind: DocumentKind; readonly frames: readonly Frame[] } {
  if (bytes.length === 0) throw new UnitFault('empty_file', 'it is empty', { byte_offset: 0 });
  const kind = kindOf(bytes);
  switch (kind) {
    case 'png':
      return { kind, frames: [pngFrame(bytes)] };
    case 'jpeg':
      return { kind, frames: [jpegFrame(bytes)] };
    case 'tiff':
      return { kind, frames: tiffFrames(bytes) };
    case 'pdf':
      checkPdf(bytes);
      return { kind, frames: [] };
    default:
      throw new UnitFault('wrong_format', 'its bytes are those of no PNG, JPEG, TIFF or PDF', { byte_offset: 0 });
  }
}

function kindOf(bytes: Buffer): DocumentKind | undefined {
  const head = bytes.subarray(0, 1024).toString('latin1');
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff';
  return head.includes('%PDF-') ? 'pdf' : undefined;
}
