import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Ledger } from '../../core/ports/ledger.ts';

/**
 * The ledger of a process that goes on for days: opened once, and anew only when another file has taken its place. One that was closed keeps its
 * files open until its statements are collected as garbage, so that opening it for each question would add up.
 */
export class KeptLedger {
  readonly #file: string;
  readonly #openLedger: () => Promise<Ledger>;
  #kept: { readonly ledger: Ledger; readonly mark: string } | undefined;
  #opening: Promise<Ledger> | undefined;

  /** @param file `ledger.db`. @param openLedger gives an empty one as long as there is no file. */
  constructor(file: string, openLedger: () => Promise<Ledger>) {
    this.#file = file;
    this.#openLedger = openLedger;
  }

  /** Asks the ledger: the work is done when the function returns, not later. */
  async ask<T>(work: (ledger: Ledger) => T): Promise<T> {
    const ledger = await this.#ledger();
    try {
      return work(ledger);
    } catch (error) {
      // Whatever broke may be mended: the next question begins anew.
      if (error instanceof DataflowError && /^E_L(EDGER|AKE)_/.test(error.code)) this.close();
      throw error;
    }
  }

  close(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.ledger.close();
  }

  async #ledger(): Promise<Ledger> {
    const mark = await this.#mark();
    if (this.#kept?.mark === mark) return this.#kept.ledger;
    this.#opening ??= this.#open(mark).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(mark: string): Promise<Ledger> {
    this.close();
    const ledger = await this.#openLedger();
    if (mark !== '') this.#kept = { ledger, mark };
    return ledger;
  }

  /** Which file it is; where it may not be written what is read is a copy of one moment, and its content counts too. Empty: there is none. */
  async #mark(): Promise<string> {
    const [file, log] = await Promise.all([this.#file, `${this.#file}-wal`].map(statOf));
    if (file === undefined) return '';
    const own = `${file.dev}/${file.ino}`;
    const writable = await access(dirname(this.#file), constants.W_OK).then(
      () => true,
      () => false,
    );
    return writable ? own : `${own} ${file.size}/${file.mtimeMs} ${log?.size}/${log?.mtimeMs}`;
  }
}

function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  return stat(path).catch(() => undefined);
}
