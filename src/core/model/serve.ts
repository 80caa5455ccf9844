/** What `serve:` says: which tables and routes are answered over HTTP, and to whom. */
export interface ServeSpec {
  readonly host: string;
  readonly port: number;
  /** Tables, or patterns of their names, that have endpoints of their own. */
  readonly tables: readonly string[];
  /** Names of hosts that requests may be addressed to, beside those of this machine. */
  readonly hosts: readonly string[];
  /** Origins of pages elsewhere that may ask (CORS). */
  readonly cors: readonly string[];
  /** Who may ask, by name; nobody has to say who he is when there is none. */
  readonly tokens: Readonly<Record<string, TokenSpec>>;
  readonly jwt?: JwtSpec | undefined;
  readonly limits: ServeLimits;
  /** Endpoints by their path. */
  readonly routes: Readonly<Record<string, RouteSpec>>;
}

/** A bearer token, known by its hash alone. */
export interface TokenSpec {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly hash: string;
  /** Tables that it may read, or patterns of their names. */
  readonly tables: readonly string[];
  /** It may also retry and cancel runs and send rejected rows through again. */
  readonly operator: boolean;
}

/** Tokens that another system signs. */
export interface JwtSpec {
  readonly issuer: string;
  readonly audience: string;
  /** Where the public keys of the issuer are. */
  readonly jwks_url: string;
  /** The claim that holds the tables, as a list or separated by blanks. */
  readonly tables_claim: string;
}

export interface ServeLimits {
  /** Time for one answer. */
  readonly seconds_max: number;
  /** Rows of one answer. */
  readonly rows_max: number;
  /** Questions that the engine works on at once. */
  readonly concurrency: number;
  /** Questions that wait for their turn; more are refused. */
  readonly waiting_max: number;
  /** Requests of one client in a minute; absent: 6,000 for clients elsewhere, any number for this machine. */
  readonly requests_per_minute?: number | undefined;
  /** Memory of the engine, in bytes. */
  readonly memory_bytes: number;
  /** Memory for answers that are kept, in bytes. */
  readonly cache_bytes: number;
}

/** How an endpoint answers: `list` with total, skip, limit and data; `rows` as they are; `row`: the only one. */
export type RouteAnswer = 'list' | 'rows' | 'row';

/** A named endpoint over a table, a query, or what the ledger knows. */
export interface RouteSpec {
  readonly table?: string | undefined;
  readonly sql?: string | undefined;
  readonly pipeline?: 'status' | 'refresh_times' | undefined;
  /** Parameters that the query names: `$date`. */
  readonly params: Readonly<Record<string, RouteParam>>;
  /** Parameter → column that has to have its value. */
  readonly filters: Readonly<Record<string, string>>;
  /** Column → the parameters for its lowest and highest value. */
  readonly ranges: Readonly<Record<string, readonly [string, string]>>;
  /** Columns; `-` in front: the greatest first. */
  readonly order: readonly string[];
  /** Column by whose value one row is asked for: `PATH/{value}`. */
  readonly item?: string | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly limit: { readonly default: number; readonly max: number };
  readonly answer?: RouteAnswer | undefined;
  readonly description?: string | undefined;
}

/** Types that a parameter of a query can have. */
export const PARAM_TYPES = ['bigint', 'double', 'varchar', 'boolean', 'date', 'timestamp'] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

export interface RouteParam {
  readonly type: ParamType;
  /** `latest`: the greatest value of what the query compares it with. Absent: the parameter may be left out and is NULL then. */
  readonly default?: string | number | boolean | undefined;
  readonly required: boolean;
  /** The only values allowed. */
  readonly values?: readonly (string | number)[] | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly description?: string | undefined;
}

export const SERVE_DEFAULTS = {
  host: '127.0.0.1',
  port: 8000,
  tables: ['gold.*'],
  limits: {
    seconds_max: 30,
    rows_max: 10_000,
    concurrency: 3,
    waiting_max: 64,
    memory_bytes: 1_000_000_000,
    cache_bytes: 64_000_000,
  },
} as const;

/** What holds where the project says nothing of serving. */
export const SERVE_SPEC: ServeSpec = { ...SERVE_DEFAULTS, hosts: [], cors: [], tokens: {}, routes: {} };

/** Whether someone who asks has to say who he is. */
export function needsToken(spec: ServeSpec): boolean {
  return spec.jwt !== undefined || Object.keys(spec.tokens).length > 0;
}
