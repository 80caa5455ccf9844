import { AvoidedNodes } from './avoided.ts';
import type { NameNodes, Question } from './name-nodes.ts';
import { NodeFailure, RemoteException } from './refusals.ts';

/** Something that a NameNode sends us to a DataNode for. */
export interface Errand<T> {
  /** What it counts as. */
  readonly kind: string;
  readonly question: Question;
  /** Asks the NameNode: where it is done, or what came of it where it is done already (HttpFS). */
  where(question: Question): Promise<{ readonly location: string } | { readonly done: T }>;
  there(location: string): Promise<T>;
}

/** What a NameNode says that has no DataNode besides those that it shall not name. */
const NO_OTHER = /Failed to find datanode|No active nodes contain/i;
/** Nodes that refuse, one after the other, before it is waited. */
const REFUSALS_MAX = 3;

/** Goes where NameNodes send us, and remembers DataNodes that break off: they are asked for others. */
export class Follower {
  readonly #avoided: AvoidedNodes;
  readonly #count: (kind: string) => void;

  constructor(names: NameNodes, count: (kind: string) => void) {
    this.#count = count;
    this.#avoided = new AvoidedNodes(() => {
      count('info');
      return names.bean('Hadoop:service=NameNode,name=NameNodeInfo', 'LiveNodes');
    });
  }

  /** A node that cannot be reached got nothing: another one is asked for at once. @throws RemoteException, NodeFailure, DataflowError E_OUTBOUND */
  async follow<T>({ kind, question, where, there }: Errand<T>): Promise<T> {
    const refused = new Set<string>();
    for (;;) {
      const found = await this.#asked(kind, question, where);
      if ('done' in found) return found.done;
      const host = hostOf(found.location);
      this.#count(kind);
      try {
        const done = await there(found.location);
        this.#avoided.forget(host);
        return done;
      } catch (error) {
        if (!(error instanceof NodeFailure)) throw error;
        await this.#avoided.add(host);
        if (error.reached || refused.has(host) || refused.size + 1 >= REFUSALS_MAX) throw error;
        refused.add(host);
      }
    }
  }

  /** The bytes of a node; one that breaks off is remembered. */
  async *watched(chunks: AsyncIterable<Uint8Array>, location: string): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      if (error instanceof NodeFailure) await this.#avoided.add(hostOf(location));
      throw error;
    }
  }

  async #asked<T>(kind: string, question: Question, where: Errand<T>['where']) {
    const excludedatanodes = this.#avoided.list();
    this.#count(kind);
    if (excludedatanodes === undefined) return await where(question);
    try {
      return await where({ ...question, query: { ...question.query, excludedatanodes } });
    } catch (error) {
      if (!(error instanceof RemoteException) || !NO_OTHER.test(error.message)) throw error;
      // Those are all that there are: one that works again is better than none.
      this.#count(kind);
      return await where(question);
    }
  }
}

function hostOf(location: string): string {
  return URL.canParse(location) ? new URL(location).host : location;
}
