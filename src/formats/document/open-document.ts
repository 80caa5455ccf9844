/** A document that is open in a process that reads it. */
export interface OpenDocument {
  readonly pages: number;
  /** A picture that the recogniser reads, or the text that the page holds. */
  page(number: number): Promise<{ readonly picture: Buffer } | { readonly text: string }>;
  close(): Promise<void>;
}

/** A package that is installed apart, from where it is found. */
export type LoadPackage = <T>(name: string) => Promise<T>;
