/** An order as its source writes it: everything is text, so that it can be wrong. */
export interface Order {
  readonly id: number;
  readonly country: string | null;
  readonly amount: string;
}

export type OrderSource = 'orders_csv' | 'orders_json' | 'orders_parquet' | 'orders_api';

/** First and last order of each source. The API has fifty orders that the Parquet file has, too. */
const RANGES: Readonly<Record<OrderSource, readonly [number, number]>> = {
  orders_csv: [1, 1000],
  orders_json: [1001, 1500],
  orders_parquet: [1501, 2500],
  orders_api: [2451, 2700],
};

const COUNTRIES = ['France', 'Maroc', "Côte d'Ivoire"];
/** What is wrong on purpose: amounts that are none or below zero, and orders without country. */
const NO_AMOUNT = new Set([100, 200, 300]);
const BELOW_ZERO = new Set([150, 250, 350, 450, 1600, 1700]);
const NO_COUNTRY = new Set([1100, 1200, 2000, 2100, 2200]);

function orderOf(id: number): Order {
  const cents = ((id * 7919) % 100_000) + 1;
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  return {
    id,
    country: NO_COUNTRY.has(id) ? null : (COUNTRIES[id % COUNTRIES.length] ?? null),
    amount: NO_AMOUNT.has(id) ? 'unknown' : BELOW_ZERO.has(id) ? `-${amount}` : amount,
  };
}

/** The orders of a source, the same ones every time. */
export function ordersOf(source: OrderSource): readonly Order[] {
  const [first, last] = RANGES[source];
  return Array.from({ length: last - first + 1 }, (_, at) => orderOf(first + at));
}

/** What a run must make of all orders, counted without an engine. */
export interface ExpectedOrders {
  /** Rows in bronze, by source. */
  readonly bronze: Readonly<Record<OrderSource, number>>;
  readonly unreadable: number;
  readonly against_rules: number;
  /** One row for each order. */
  readonly silver: number;
  /** Sum of all good orders, such as `1234.50`. */
  readonly revenue: string;
}

export function expectedOrders(): ExpectedOrders {
  const good = new Map<number, bigint>();
  const bronze: Record<string, number> = {};
  let [unreadable, against_rules] = [0, 0];
  for (const source of Object.keys(RANGES) as OrderSource[]) {
    const readable = ordersOf(source).filter((order) => order.amount !== 'unknown');
    bronze[source] = readable.length;
    unreadable += ordersOf(source).length - readable.length;
    for (const { id, country, amount } of readable) {
      if (country === null || amount.startsWith('-')) against_rules += 1;
      else good.set(id, BigInt(amount.replace('.', '')));
    }
  }
  const cents = String([...good.values()].reduce((sum, one) => sum + one, 0n));
  return {
    bronze: bronze as Record<OrderSource, number>,
    unreadable,
    against_rules,
    silver: good.size,
    revenue: `${cents.slice(0, -2)}.${cents.slice(-2)}`,
  };
}
