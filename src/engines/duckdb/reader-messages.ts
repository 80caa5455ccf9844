import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { Column } from '../../core/model/table.ts';
import type { ParseRequest, ParseResult } from '../../core/ports/engine.ts';
import type { InferRequest } from './infer.ts';

/** How a reader process is set up: its only argument, as JSON. */
export interface ReaderSetup {
  /** Settings of its engine. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What a reader process is asked, one question at a time. */
export type ReaderQuestion =
  | { readonly kind: 'parse'; readonly request: ParseRequest }
  | { readonly kind: 'infer'; readonly request: InferRequest };

/** What it answers. */
export interface ReaderAnswer {
  readonly parsed?: ParseResult;
  readonly inferred?: readonly Column[];
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
  /** Of the process since it began. */
  readonly cpu_ms: number;
  readonly peak_memory_bytes: number;
}
