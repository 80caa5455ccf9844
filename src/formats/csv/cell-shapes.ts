/** What the plain form of a cell looks like, as a small automaton: only cells of another form need an exact look. */
export interface CellShape {
  /** The state after this character (a character class, see {@link classOf}), or {@link ODD}. A field begins in state 0. */
  next(state: number, of: CharClass): number;
  /** True when a field may end in this state. */
  mayEnd(state: number): boolean;
}

export const ODD = -1;

/** Characters that the shapes tell apart. */
export const CHAR = {
  OTHER: 0,
  DIGIT: 1,
  MINUS: 2,
  PLUS: 3,
  POINT: 4,
  EXPONENT: 5,
  T: 6,
  SPACE: 7,
  COLON: 8,
  Z: 9,
} as const;
export type CharClass = (typeof CHAR)[keyof typeof CHAR];

const SINGLE: Readonly<Record<string, CharClass>> = {
  '-': CHAR.MINUS,
  '+': CHAR.PLUS,
  '.': CHAR.POINT,
  e: CHAR.EXPONENT,
  E: CHAR.EXPONENT,
  T: CHAR.T,
  ' ': CHAR.SPACE,
  ':': CHAR.COLON,
  Z: CHAR.Z,
};

export function classOf(byte: number): CharClass {
  if (byte >= 0x30 && byte <= 0x39) return CHAR.DIGIT;
  return SINGLE[String.fromCharCode(byte)] ?? CHAR.OTHER;
}

/**
 * The shape of cells that the engine's own cast takes over unchanged (or refuses by itself, as it does for a number with too many
 * digits). Undefined for types that lose nothing.
 */
export function shapeOf(type: string): CellShape | undefined {
  if (/^u?(tiny|small|big|huge)int$|^u?integer$/.test(type)) return INTEGER;
  const decimal = /^decimal\(\d+,(\d+)\)$/.exec(type);
  if (decimal !== null) return decimalShape(Number(decimal[1]));
  if (type === 'double') return floatShape(15, true);
  if (type === 'float') return floatShape(6, false);
  if (type === 'boolean') return UNQUOTED;
  if (type === 'date') return DATE;
  if (type === 'timestamp') return timestampShape(false);
  return type === 'timestamptz' ? timestampShape(true) : undefined;
}

/** Quotes are not plain: between them may be nothing, which is no boolean. */
const UNQUOTED: CellShape = { next: () => 1, mayEnd: () => true };

const INTEGER: CellShape = {
  next: (state, of) => (of === CHAR.DIGIT || (of === CHAR.MINUS && state === 0) ? 1 : ODD),
  mayEnd: () => true,
};

/** No more digits behind the point than the scale has. State: 1 before the point, 2 + digits behind it. */
function decimalShape(scale: number): CellShape {
  return {
    next: (state, of) => {
      if (of === CHAR.MINUS) return state === 0 ? 1 : ODD;
      if (of === CHAR.POINT) return state < 2 ? 2 : ODD;
      if (of !== CHAR.DIGIT) return ODD;
      if (state < 2) return 1;
      return state - 2 < scale ? state + 1 : ODD;
    },
    mayEnd: () => true,
  };
}

const SIGN = 20;
const FRACTION = 21;
const EXPONENT = 22;
const EXPONENT_END = EXPONENT + 3;

/** So many whole digits as are exact for sure, any fraction, an exponent of at most two digits. State: whole digits, then the above. */
function floatShape(digits_max: number, with_exponent: boolean): CellShape {
  return {
    next: (state, of) => {
      if (of === CHAR.DIGIT) return floatDigit(state, digits_max);
      if (isSign(of)) return floatSign(state, of);
      if (state >= EXPONENT) return ODD;
      if (of === CHAR.POINT) return state === FRACTION ? ODD : FRACTION;
      return of === CHAR.EXPONENT && state > 0 && with_exponent ? EXPONENT : ODD;
    },
    mayEnd: () => true,
  };
}

function floatSign(state: number, of: CharClass): number {
  if (state === EXPONENT) return EXPONENT + 1;
  return state === 0 && of === CHAR.MINUS ? SIGN : ODD;
}

function isSign(of: CharClass): boolean {
  return of === CHAR.PLUS || of === CHAR.MINUS;
}

function floatDigit(state: number, digits_max: number): number {
  if (state === FRACTION) return FRACTION;
  if (state === EXPONENT) return EXPONENT + 2;
  if (state > EXPONENT) return state < EXPONENT_END ? state + 1 : ODD;
  const digits = state === SIGN ? 1 : state + 1;
  return digits <= digits_max ? digits : ODD;
}

const DAY = 10;
const TEMPLATE = 'dddd-dd-dd dd:dd:dd.dddddd';
const MINUTE_END = 16;
const SECOND_END = 19;
const FRACTION_FROM = 20;
const ZONE = 40;
const ZONE_DONE = 60;

/** `2024-01-31` and nothing else. State: characters seen. */
const DATE: CellShape = {
  next: (state, of) => (state < DAY ? template(state, of) : ODD),
  mayEnd: (state) => state === 0 || state === DAY,
};

function template(state: number, of: CharClass): number {
  const wanted = TEMPLATE[state];
  if (wanted === 'd') return of === CHAR.DIGIT ? state + 1 : ODD;
  if (wanted === ' ') return of === CHAR.SPACE || of === CHAR.T ? state + 1 : ODD;
  if (wanted === '-') return of === CHAR.MINUS ? state + 1 : ODD;
  if (wanted === ':') return of === CHAR.COLON ? state + 1 : ODD;
  return wanted === '.' && of === CHAR.POINT ? state + 1 : ODD;
}

/** Day and time with at most six digits of a second; `Z`, and an offset where an instant is meant. */
function timestampShape(with_offset: boolean): CellShape {
  const timeEnds = (state: number): boolean =>
    state === MINUTE_END || state === SECOND_END || (state > FRACTION_FROM && state <= TEMPLATE.length);
  return {
    next: (state, of) => {
      if (state >= ZONE) return offset(state, of);
      if (timeEnds(state) && of === CHAR.Z) return ZONE_DONE;
      if (timeEnds(state) && with_offset && (of === CHAR.PLUS || of === CHAR.MINUS)) return ZONE;
      return template(state, of);
    },
    mayEnd: (state) =>
      state === 0 || state === DAY || timeEnds(state) || [ZONE + 2, ZONE + 4, ZONE + 7, ZONE_DONE].includes(state),
  };
}

/** `+hh`, `+hhmm` or `+hh:mm`. */
function offset(state: number, of: CharClass): number {
  const seen = state - ZONE;
  if (of === CHAR.COLON) return seen === 2 ? ZONE + 5 : ODD;
  if (of !== CHAR.DIGIT || seen === 4 || seen >= 7) return ODD;
  return state + 1;
}
