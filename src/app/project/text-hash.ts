import { createHash, type Hash } from 'node:crypto';

/** SHA-256 over named texts; the lengths keep two different lists of texts from giving the same hash. */
export function createTextHash(): Hash {
  return createHash('sha256');
}

export function addText(hash: Hash, name: string, text: string): void {
  hash.update(`${name}\0${text.length}\0${text}\0`);
}
