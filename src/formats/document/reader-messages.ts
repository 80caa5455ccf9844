import type { DocumentOptions } from '../../core/ports/format.ts';
import type { UnitProblem } from '../../core/ports/source.ts';
import type { DocumentKind, PageReading } from './reading.ts';

/** What a process that reads documents is started with. */
export interface ReaderSetup {
  readonly languages: readonly string[];
  /** Folder of the language data, `<language>.traineddata.gz`. */
  readonly language_folder: string;
}

/** What it is asked: one document is open at a time, and read page by page. */
export type ReaderQuestion =
  | {
      readonly kind: 'open';
      readonly uri: string;
      /** Its name, for fault points. */
      readonly name: string;
      readonly document: DocumentKind;
      readonly options: Pick<DocumentOptions, 'dpi' | 'text_layer' | 'max_pixels'>;
    }
  | { readonly kind: 'page'; readonly page: number };

export interface ReaderAnswer {
  readonly pages?: number;
  readonly read?: PageReading;
  /** The document is to blame. */
  readonly problem?: UnitProblem;
  /** Something else is. */
  readonly failure?: string;
}
