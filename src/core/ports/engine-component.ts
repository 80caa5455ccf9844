import type { $ZodType } from 'zod/v4/core';
import type { EngineSpec } from '../model/project.ts';
import type { Engine } from './engine.ts';
import type { FarEngine, ReachOptions } from './far-engine.ts';

/** A file of a folder that an engine wrote. */
export interface WrittenFile {
  /** Relative to that folder, with `/`. */
  readonly path: string;
  readonly size_bytes: number;
}

/** What an engine on other machines is given to compute tables with. */
export interface ComputePlaces {
  /** Where its address may come from. */
  readonly env: NodeJS.ProcessEnv;
  /** `lake.url`, from which every address of {@link ComputePlaces.addressOf} begins. */
  readonly lake_url: string;
  /** The engine of this machine; whoever opened it closes it. */
  readonly here: Engine;
  /** The address by which other machines know a file or folder of the lake: `file:///…`, `hdfs://…`, `s3://…`. */
  addressOf(uri: string): string;
  /** Whether candidates are to come with their SHA-256, since nobody on this machine has their bytes. */
  readonly hashes: boolean;
  /** URI of a folder for what is only needed while a step computes. @param label of the session. @param name unique in this process. */
  scratchOf(label: string, name: string): string;
  /** All files below a folder that was written for a step, in no order. */
  filesBelow(uri: string): Promise<readonly WrittenFile[]>;
  /** Bytes of a file that was written for a step. @param to exclusive. */
  readRange(uri: string, from: number, to: number): Promise<Uint8Array>;
  /** Removes a folder that was written for a step. */
  remove(uri: string): Promise<void>;
}

/**
 * A kind of engine: `engines/<engine>/engine.ts` exports one as `component`. That file is loaded to check a configuration, so it
 * imports the engine's library only inside `open`.
 */
export interface EngineComponent<O = unknown> {
  readonly type: string;
  readonly summary: string;
  /** The options of `engine:` beside `type`. */
  readonly schema: $ZodType<O>;
  /** Absent for an engine that works on other machines. @param places.temp_folder local folder for what does not fit into memory. */
  open?(spec: EngineSpec, places: { readonly temp_folder: string }): Promise<Engine>;
  /** Absent for an engine that works on this machine: computes tables of silver and gold there. Reaches nothing before the first session is opened. */
  compute?(spec: EngineSpec, places: ComputePlaces): Promise<Engine>;
  /** Absent for an engine that works on this machine. */
  reach?(spec: EngineSpec, options: ReachOptions): Promise<FarEngine>;
}
