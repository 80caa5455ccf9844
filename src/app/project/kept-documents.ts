import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A file that is kept of a document: its original, or the JSON of what was read of it. */
export interface KeptDocumentFile {
  readonly path: string;
  readonly sha256: string;
  readonly is_result: boolean;
}

/** Where originals and results of a source of documents are kept, in the folder of the lake's state. */
export function keptDocumentsFolder(state_folder: string, source: string): string {
  return join(state_folder, 'documents', source);
}

/** What lies there, by name; nothing when there is no such folder. */
export async function keptDocumentFiles(state_folder: string, source: string): Promise<readonly KeptDocumentFile[]> {
  const folder = keptDocumentsFolder(state_folder, source);
  const names = await readdir(folder).catch(() => []);
  return names.sort().flatMap((name) => {
    const match = /^([0-9a-f]{64})\.(json|png|jpg|tiff|pdf)$/.exec(name);
    return match?.[1] === undefined
      ? []
      : [{ path: join(folder, name), sha256: match[1], is_result: match[2] === 'json' }];
  });
}
