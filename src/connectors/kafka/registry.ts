import type { Type } from 'avsc';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { avroType } from '../../kit/avro-json.ts';
import { sizeText } from '../../kit/units.ts';

export interface RegistryOptions {
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
}

/** A schema that cannot be used: the messages that name it are poison. */
export interface UnusableSchema {
  readonly reason: string;
}

interface SchemaAnswer {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

const ATTEMPTS = 4;
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 10_000_000;
const DEPTH_MAX = 20;

/** Stands for a status where an answer was not read to its end. */
const TOO_LONG = -1;

/** Schemas by number from a registry that speaks Confluent's protocol. A number never changes its meaning, so each is asked for once. */
export class SchemaRegistry {
  readonly #options: RegistryOptions;
  readonly #known = new Map<number, Promise<Type | UnusableSchema>>();
  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** @throws DataflowError E_SOURCE_UNREACHABLE when the registry cannot be asked */
  schema(id: number): Promise<Type | UnusableSchema> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const asked = this.#load(id);
    this.#known.set(id, asked);
    // What failed for want of an answer is asked again; "there is none" is asked again by the next pull.
    asked.catch(() => this.#known.delete(id));
    return asked;
  }

  async #load(id: number): Promise<Type | UnusableSchema> {
    const answer = await this.#ask(`schemas/ids/${id}`);
    if (answer === undefined) return { reason: `schema ${id} is not in the registry` };
    if ((answer.schemaType ?? 'AVRO') !== 'AVRO') return { reason: `schema ${id} is ${answer.schemaType}, not Avro` };
    try {
      const type = await this.#typeOf(answer, {}, 0);
      return type.typeName === 'record' ? type : { reason: `schema ${id} is no record but ${type.typeName}` };
    } catch (error) {
      if (error instanceof DataflowError) throw error;
      return { reason: `schema ${id} is not valid: ${(error as Error).message}` };
    }
  }

  async #typeOf(answer: SchemaAnswer, named: Record<string, Type>, depth: number): Promise<Type> {
    if (depth > DEPTH_MAX) throw new Error('its references go too deep');
    for (const { name, subject, version } of answer.references ?? []) {
      if (name in named) continue;
      const referred = await this.#ask(`subjects/${encodeURIComponent(subject)}/versions/${version}`);
      if (referred === undefined) throw new Error(`its reference ${subject} version ${version} is not there`);
      await this.#typeOf(referred, named, depth + 1);
    }
    return await avroType(answer.schema, named);
  }

  /** Undefined: there is no such thing. */
  async #ask(path: string): Promise<SchemaAnswer | undefined> {
    const url = `${this.#options.url.replace(/\/+$/, '')}/${path}`;
    let failure = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > 1) await pause(100 * 2 ** attempt * (0.5 + Math.random() / 2));
      const answer = await this.#once(url);
      if (answer.status === 200) return parse(answer.body, url);
      if (answer.status === 404) return undefined;
      if (answer.status === TOO_LONG) throw tooLong(url);
      failure = answer.status === 0 ? answer.body : `it answered ${answer.status}`;
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) break;
    }
    throw new DataflowError('E_SOURCE_UNREACHABLE', `the schema registry cannot be asked for ${url}: ${failure}`, {
      hint: 'Check `registry:` of the connection and that the registry runs.',
    });
  }

  async #once(url: string): Promise<{ readonly status: number; readonly body: string }> {
    const { request } = await import('undici');
    const { user, password, token } = this.#options;
    const authorization =
      token !== undefined
        ? `Bearer ${token}`
        : user !== undefined
          ? `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`
          : undefined;
    try {
      const { statusCode, body } = await request(url, {
        headers: {
          accept: 'application/vnd.schemaregistry.v1+json',
          ...(authorization === undefined ? {} : { authorization }),
        },
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const text = await textOf(body);
      return text === undefined ? { status: TOO_LONG, body: '' } : { status: statusCode, body: text };
    } catch (error) {
      return { status: 0, body: (error as Error).message };
    }
  }
}

/** Undefined: it is longer than any schema; the rest is not taken. */
async function textOf(body: AsyncIterable<Buffer>): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size_bytes = 0;
  for await (const piece of body) {
    size_bytes += piece.length;
    if (size_bytes > ANSWER_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function tooLong(url: string): DataflowError {
  return new DataflowError('E_SOURCE_UNREACHABLE', `${url} answered with more than ${sizeText(ANSWER_BYTES_MAX)}`, {
    hint: 'Check `registry:` of the connection: is it the address of a schema registry?',
  });
}

function parse(body: string, url: string): SchemaAnswer {
  try {
    const answer = JSON.parse(body) as SchemaAnswer;
    if (typeof answer.schema === 'string') return answer;
  } catch {
    // said below
  }
  throw new DataflowError('E_SOURCE_UNREACHABLE', `${url} answered with something that is no schema`, {
    hint: 'Check `registry:` of the connection: is it the address of a schema registry?',
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
