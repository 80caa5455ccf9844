import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PutRequest } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { markOf } from './mark.ts';
import { type Patience, patiently } from './patience.ts';
import { passing } from './refusals.ts';
import type { Uploaded } from './upload.ts';
import type { FileStatus, WebHdfs } from './webhdfs.ts';

/** What lies under a name that was to be given; nothing when it was expected to be there. */
export interface Taken {
  readonly status: FileStatus | undefined;
}

/** Gives a file that was brought its name: by RENAME, which the NameNode does in one step and lets one of many win. */
export class Publication {
  readonly #hdfs: WebHdfs;
  readonly #patience: Patience;
  readonly #path: string;
  readonly #over: PutRequest['over'];
  readonly #signal: AbortSignal;

  constructor(hdfs: WebHdfs, patience: Patience, path: string, over: PutRequest['over'], signal: AbortSignal) {
    this.#hdfs = hdfs;
    this.#patience = patience;
    this.#path = path;
    this.#over = over;
    this.#signal = signal;
  }

  /** Looks whether the name may be given at all, where only a look can tell. */
  async takenAlready(): Promise<Taken | undefined> {
    if (typeof this.#over === 'string') return undefined;
    const status = await this.#look(this.#path);
    return status !== undefined && markOf(status) === this.#over.mark ? undefined : { status };
  }

  /** @throws RemoteException, NodeFailure, DataflowError E_FAR_CHANGED */
  async publish(
    uploaded: Uploaded,
  ): Promise<{ readonly done: true; readonly status: FileStatus } | ({ readonly done: false } & Taken)> {
    const taken = await this.takenAlready();
    if (taken !== undefined) return await this.#withdraw(uploaded, taken);
    const overwrite = this.#over !== 'nothing';
    return await patiently(
      async () => {
        faultPoint('before-far-rename');
        const outcome = await this.#renamed(uploaded, overwrite);
        faultPoint('after-far-rename');
        if (outcome === 'done') return { done: true, status: uploaded.status };
        const now = await this.#hdfs.status(this.#path, this.#signal);
        // An answer that was lost: the file is there under its number already.
        if (now !== undefined && (await this.#isOurs(now, uploaded))) return { done: true, status: now };
        if (outcome === 'taken' && overwrite) return await this.#replace(uploaded);
        if (outcome === 'taken' || now !== undefined) return await this.#withdraw(uploaded, { status: now });
        throw new DataflowError('E_FAR_CHANGED', `${uploaded.path} is gone: somebody removed it while it was written`);
      },
      this.#patience,
      this.#signal,
    );
  }

  /** RENAME; when it fails in a way that leaves open whether it was done, the next attempt will see. */
  async #renamed(uploaded: Uploaded, overwrite: boolean): Promise<'done' | 'taken' | 'gone'> {
    const { path } = uploaded;
    const outcome = await this.#hdfs.rename(path, this.#path, overwrite, this.#signal);
    if (outcome !== 'no_folder') return outcome;
    await this.#hdfs.makeFolder(this.#path.slice(0, this.#path.lastIndexOf('/')), {}, this.#signal);
    const again = await this.#hdfs.rename(path, this.#path, overwrite, this.#signal);
    return again === 'no_folder' ? 'gone' : again;
  }

  /** HttpFS cannot replace in one step: for a moment there is nothing. */
  async #replace(uploaded: Uploaded): Promise<{ readonly done: true; readonly status: FileStatus }> {
    await this.#hdfs.remove(this.#path, this.#signal);
    const outcome = await this.#hdfs.rename(uploaded.path, this.#path, false, this.#signal);
    if (outcome === 'done') return { done: true, status: uploaded.status };
    throw new DataflowError('E_FAR_CHANGED', `${this.#path}: somebody else writes it`);
  }

  async #withdraw(uploaded: Uploaded, taken: Taken): Promise<{ readonly done: false } & Taken> {
    await this.#hdfs.remove(uploaded.path, this.#signal).catch((error: unknown) => {
      if (passing(error) === undefined) throw error;
    });
    return { done: false, ...taken };
  }

  /** Whether it is the file that we brought, by its number; HttpFS tells none, there it is ours if nothing has the temporary name any more. */
  async #isOurs(now: FileStatus, { status, path }: Uploaded): Promise<boolean> {
    if (now.fileId !== undefined && status.fileId !== undefined) return now.fileId === status.fileId;
    return (await this.#hdfs.status(path, this.#signal)) === undefined;
  }

  #look(path: string): Promise<FileStatus | undefined> {
    return patiently(() => this.#hdfs.status(path, this.#signal), this.#patience, this.#signal);
  }
}
