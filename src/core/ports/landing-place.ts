import type { Column } from '../model/table.ts';
import type { Landing, Position, PullResult, RawStore, Span, UnitFacts, UnitLayout } from './pulled-source.ts';
import type { InputUnit, Inspection } from './source.ts';

/** A unit that survived its sealing: what a source was asked for, until it is in the lake. */
export interface SealedUnit {
  /** Its name as the source gave it. */
  readonly name: string;
  readonly uri: string;
  readonly layout: UnitLayout;
  readonly size_bytes: number;
  readonly sha256: string;
  /** Records, unreadable ones not counted. */
  readonly records: number;
  /** Records that the source could not write down as rows, and where they lie (NDJSON: rule, reason, place, raw). */
  readonly unreadable: number;
  readonly unreadable_uri?: string;
  /** The position that the unit continues; null: the beginning. */
  readonly follows: Position | null;
  /** The position once it is in the lake. */
  readonly position: Position;
  readonly spans: readonly Span[];
  /** Hashes of the kept responses that it was made from. */
  readonly raw: readonly string[];
  /** The pull that it belongs to. */
  readonly pull: string;
  /** Number of the unit in its place: units are in this order. */
  readonly number: number;
  /** What its writer vouches for; only while the process that wrote it lives. */
  readonly facts?: UnitFacts;
}

/** A pull while it lasts. */
export interface OpenPull {
  readonly landing: Landing;
  /** Units sealed so far, in order. */
  readonly units: readonly SealedUnit[];
  /** Gives up the unit that is open, if one is; those that are sealed stay. */
  abandon(): Promise<void>;
  /** The source came to its end: the units of this pull are all that there were. */
  end(result: PullResult): Promise<void>;
}

/** What an earlier run landed and did not bring into the lake. */
export interface Landed {
  /** Whole units whose bytes still have their hash, in order. */
  readonly units: readonly SealedUnit[];
  /** Pulls that came to their end. */
  readonly ended: ReadonlyMap<string, PullResult>;
}

/**
 * Where the units of one source lie between the system that it asks and the lake: durable, private, emptied after each commit. Only the run that
 * holds the lock writes to it.
 */
export interface LandingPlace {
  readonly raw: RawStore;
  /** What lies there; changes nothing. */
  landed(): Promise<Landed>;
  /** How many units lie there, without reading them. */
  count(): Promise<number>;
  /** Begins a pull that continues `position` (null: the beginning). @param sealed is told of each unit once it is durable; nothing waits for it. */
  begin(position: Position | null, sealed?: (unit: SealedUnit) => void): Promise<OpenPull>;
  /** Everything that is there, or only these. */
  remove(units?: readonly SealedUnit[]): Promise<void>;
  /** Keeps a unit that was refused as a whole under its path in the ledger, until it is replayed. */
  keepRefused(unit: SealedUnit, path: string): Promise<void>;
  /** A unit that was kept so. */
  refused(path: string): Promise<SealedUnit | undefined>;
  dropRefused(path: string): Promise<void>;
  /** The one streaming pass over a unit that lies here; what its writer vouches for stands in its place. */
  inspect(unit: SealedUnit, as: InputUnit, options: LandedInspectOptions): Promise<Inspection>;
}

export interface LandedInspectOptions {
  readonly temp_folder: string;
  readonly columns?: readonly Column[];
  readonly signal?: AbortSignal;
}
