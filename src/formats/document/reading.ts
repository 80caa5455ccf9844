/** A word and how sure the recognition is of it. */
export interface Word {
  readonly text: string;
  /** 0..100. */
  readonly confidence: number;
  /** Where it begins in the page's text (UTF-16 code units). */
  readonly at: number;
  /** Left, top, right, bottom, in pixels of the page as it was read. */
  readonly box: readonly [number, number, number, number];
}

/** What was read of one page. */
export interface PageReading {
  /** From 1. */
  readonly page: number;
  /** `text layer`: the text that the PDF holds, taken over as it is. */
  readonly read_by: 'ocr' | 'text layer';
  /** 0..100; 0 where no word was found. */
  readonly confidence: number;
  readonly text: string;
  /** Empty for a text layer. */
  readonly words: readonly Word[];
}

/** What was read of one document. */
export interface Reading {
  /** Everything besides the document's bytes that decides what is read: versions, languages, resolution. */
  readonly read_with: Readonly<Record<string, string>>;
  readonly pages: readonly PageReading[];
}

/** Kinds of documents by their bytes. */
export type DocumentKind = 'png' | 'jpeg' | 'tiff' | 'pdf';

/** Two digits say enough. */
export function rounded(confidence: number): number {
  return Math.round(confidence * 100) / 100;
}

/** Size of a page in pixels. */
export interface Frame {
  readonly width: number;
  readonly height: number;
}
