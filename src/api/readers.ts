import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { createRemoteJWKSet, JWTPayload } from 'jose';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { type JwtSpec, needsToken, type ServeSpec } from '../core/model/serve.ts';
import { matchesGlob } from '../kit/glob.ts';

/** Who asks, and which tables he may read. */
export interface Reader {
  readonly name: string;
  /** May also start and stop work. Whoever does not have to say who he is may not. */
  readonly operator: boolean;
  may(table: string): boolean;
}

const ANYBODY: Reader = { name: 'anybody', operator: false, may: () => true };

/** Tells from a request who asks. @throws DataflowError E_SERVE_TOKEN */
export type Recognise = (request: FastifyRequest) => Promise<Reader>;

/** Tokens are known by their hashes alone; those of another system by its signature. */
export function readersOf(spec: ServeSpec): Recognise {
  if (!needsToken(spec)) return async () => ANYBODY;
  const known = new Map(
    Object.entries(spec.tokens).map(
      ([name, { hash, tables, operator }]) => [hash, readerOf(name, tables, operator)] as const,
    ),
  );
  const signed = spec.jwt === undefined ? undefined : signedBy(spec.jwt);
  return async ({ headers: { authorization } }) => {
    const token = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new DataflowError('E_SERVE_TOKEN', 'a token is needed');
    // Looking up a hash tells nothing of the token by the time that it takes.
    const reader = known.get(`sha256:${createHash('sha256').update(token).digest('hex')}`);
    if (reader !== undefined) return reader;
    if (signed !== undefined && token.split('.').length === 3) return signed(token);
    throw new DataflowError('E_SERVE_TOKEN', 'the token is not a valid one');
  };
}

export function refuseTables(reader: Reader, tables: readonly string[]): void {
  if (!tables.every((table) => reader.may(table)))
    throw new DataflowError('E_SERVE_SCOPE', 'the token does not allow to read this');
}

function readerOf(name: string, patterns: readonly string[], operator: boolean): Reader {
  return { name, operator, may: (table) => patterns.some((pattern) => matchesGlob(pattern, table)) };
}

/** Only signatures by key pairs: a public key must never pass for a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const FETCH_MS = 5_000;

/** What is wrong with a token is told from keys that cannot be had, about which its owner can do nothing. */
function told(cause: unknown, { JOSEError, JWKSTimeout, JWKSInvalid }: typeof import('jose').errors): DataflowError {
  const fetched = cause instanceof JWKSTimeout || cause instanceof JWKSInvalid;
  // An answer other than 200, or none that is JSON, is a JOSEError of no kind; a connection that fails is no JOSEError at all.
  const failed = !(cause instanceof JOSEError) || cause.code === JOSEError.code;
  return fetched || failed
    ? new DataflowError('E_SERVE_KEYS', 'signed tokens cannot be checked at the moment', { cause })
    : new DataflowError('E_SERVE_TOKEN', 'the token is not a valid one', { cause });
}

function signedBy({ issuer, audience, jwks_url, tables_claim }: JwtSpec): (token: string) => Promise<Reader> {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  return async (token) => {
    const jose = await import('jose');
    keys ??= jose.createRemoteJWKSet(new URL(jwks_url), { timeoutDuration: FETCH_MS });
    let payload: JWTPayload;
    try {
      ({ payload } = await jose.jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
      }));
    } catch (cause) {
      throw told(cause, jose.errors);
    }
    const claim = payload[tables_claim];
    const tables = typeof claim === 'string' ? claim.split(/\s+/) : Array.isArray(claim) ? claim.map(String) : [];
    return readerOf(payload.sub ?? 'somebody', tables, false);
  };
}
