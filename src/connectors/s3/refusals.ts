import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { retryAfterMs } from '../../kit/backoff.ts';
import { CutOff, parseAnswer, textOf, type XmlElement } from './xml.ts';

/** An answer that refuses, in the service's own words. */
export class S3Problem extends Error {
  readonly code: string;
  /** Another attempt may help. */
  readonly again: boolean;
  /** The service asks to be spared. */
  readonly spare: boolean;
  readonly after_ms: number | undefined;
  /** What was asked for may have been done all the same. */
  readonly unsure: boolean;

  constructor(
    code: string,
    message: string,
    how: { readonly again: boolean; readonly spare?: boolean; readonly after_ms?: number; readonly unsure?: boolean },
  ) {
    super(message.includes(code) ? message : `${code}: ${message}`);
    this.code = code;
    this.again = how.again;
    this.spare = how.spare === true;
    this.after_ms = how.after_ms;
    this.unsure = how.unsure === true;
  }
}

const SPARE_STATUS = new Set([429, 503]);
const AGAIN_STATUS = new Set([408, 429, 500, 502, 503, 504, 509]);
/** Refusals with another status that pass as well: bytes that broke on the way, writers that met. */
const AGAIN_CODES = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'OperationAborted',
  'ConditionalRequestConflict',
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
]);
/** Inside a 200: what does not pass by itself. */
const FOR_GOOD = new Set(['InvalidPart', 'NoSuchUpload', 'PreconditionFailed', 'MalformedXML', 'EntityTooSmall']);
const DENIED = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'InvalidTokenId',
  'RequestTimeTooSkewed',
  'AuthorizationHeaderMalformed',
]);
/** What the keys themselves are refused for, whatever they may do. */
const KEYS_REFUSED = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'InvalidTokenId',
  'AuthorizationHeaderMalformed',
]);
/** The longest that a service may ask to be left alone. */
const AFTER_MAX_MS = 30_000;

/** What a status other than 2xx says. An answer to HEAD has no words: its status has to do. */
export function refusalOf(status: number, headers: Readonly<Record<string, string>>, text: string): S3Problem {
  const said = saidIn(text);
  const code = said?.code || BY_STATUS[status] || `${status}`;
  const after_ms = retryAfterMs(headers['retry-after'], Date.now(), headers['date']);
  return new S3Problem(code, said?.message || `it answers ${status}`, {
    again: AGAIN_STATUS.has(status) || AGAIN_CODES.has(code),
    spare: SPARE_STATUS.has(status) || code === 'SlowDown',
    unsure: status >= 500,
    ...(after_ms === undefined ? {} : { after_ms: Math.min(after_ms, AFTER_MAX_MS) }),
  });
}

/** An answer of 200 that carries an error all the same, as that to Complete may. */
export function refusalInside(text: string): S3Problem | undefined {
  const said = saidIn(text);
  if (said === undefined) return undefined;
  return new S3Problem(said.code, said.message, {
    again: !DENIED.has(said.code) && !FOR_GOOD.has(said.code),
    spare: said.code === 'SlowDown',
    unsure: true,
  });
}

/** What an answer about many keys says of one of them. */
export function keyRefusal(code: string, message: string): S3Problem {
  return new S3Problem(code, message, { again: AGAIN_CODES.has(code), spare: code === 'SlowDown' });
}

/** The answer as a document of that name. @throws CutOff when it is not whole; S3Problem when it is another one */
export function documentOf(text: string, name: string): XmlElement {
  const root = parseAnswer(text);
  if (root.name === name) return root;
  throw new S3Problem(
    'NotS3',
    `it answers with <${root.name.slice(0, 50)}> instead of <${name}>: no S3 service is there`,
    {
      again: false,
    },
  );
}

/** The mark with which a page says that another one follows; empty on the last. @throws S3Problem when it leads nowhere */
export function nextPage(page: XmlElement, name: string, last: string): string {
  if (textOf(page, 'IsTruncated') !== 'true') return '';
  const next = textOf(page, name);
  if (next !== '' && next !== last) return next;
  throw new S3Problem('NotWhole', `its list is cut off, and it does not say where it goes on (${name})`, {
    again: false,
  });
}

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'AccessDenied',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'SlowDown',
  503: 'SlowDown',
};

function saidIn(text: string): { readonly code: string; readonly message: string } | undefined {
  if (!text.includes('<Error')) return undefined;
  try {
    const root = parseAnswer(text);
    return root.name === 'Error' ? { code: textOf(root, 'Code'), message: textOf(root, 'Message') } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether another attempt may help: the service says so, or the connection broke. */
export function worthAnother(error: unknown): { readonly after_ms?: number } | undefined {
  if (error instanceof S3Problem) {
    if (!error.again) return undefined;
    return error.after_ms === undefined ? {} : { after_ms: error.after_ms };
  }
  return isBroken(error) ? {} : undefined;
}

/** The connection broke, was not made or took too long, or an answer was cut off; anything else is a defect and no matter of luck. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof DataflowError) return false;
  const code = 'code' in error ? String(error.code) : '';
  const reset =
    /^(UND_ERR_(?!ABORTED|INVALID_ARG)|E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_)|ENOTFOUND|HPE_|CERT_|ERR_(SSL|TLS))/;
  return reset.test(code) || error instanceof CutOff || (error as AggregateError).errors?.some(isBroken) === true;
}

/** The error that leaves the room. */
export function farError(
  error: unknown,
  about: {
    readonly name: string;
    readonly ask: string;
    readonly key: string | undefined;
    readonly user: string;
    readonly right: string;
  },
): DataflowError {
  const { name, ask, key, user, right } = about;
  const where = key === undefined ? name : `${name}/${key}`;
  if (!(error instanceof S3Problem) && !isBroken(error))
    return new DataflowError('E_INTERNAL', `${where}: ${wordsOf(error)}`, { cause: error });
  if (!(error instanceof S3Problem))
    return new DataflowError('E_FAR_UNREACHABLE', `${where} cannot be reached: ${wordsOf(error)}`, { cause: error });
  const words = `${where}: ${error.message}`;
  const options = { cause: error };
  if (error.code === 'NoSuchBucket') return new DataflowError('E_FAR_MISSING', words, options);
  if (error.code === 'RequestTimeTooSkewed')
    return new DataflowError('E_FAR_DENIED', words, { ...options, hint: 'Set the clock of this machine.' });
  if (KEYS_REFUSED.has(error.code))
    return new DataflowError('E_FAR_DENIED', words, {
      ...options,
      hint: 'Check access_key, secret_key, session_token and region of the connection.',
    });
  if (DENIED.has(error.code))
    return new DataflowError('E_FAR_DENIED', `${words} (${ask} as ${user} needs ${right})`, options);
  // Somebody gave the upload up: the next sync begins another one.
  const again = error.again || error.code === 'NoSuchUpload';
  return new DataflowError(again ? 'E_FAR_UNREACHABLE' : 'E_FAR_REFUSED', words, options);
}

/** Addresses are left out: what was asked stands before it. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = (error as AggregateError).errors?.[0] as Error | undefined;
  const words = error.message || inner?.message || error.name;
  return words.replace(/^(connect \w+) \S+:\d+.*$/, '$1');
}
