/** What a source has lying beside the lake. */
export interface LandingLeftovers {
  /** Landed files that are not in the lake yet. */
  readonly landed_files: number;
  /** Units that were refused as a whole and wait for a decision. */
  readonly refused_units: number;
  /** Bodies of kept responses. */
  readonly responses: number;
  /** Responses and refused units that a kill left half written: nothing reads them. */
  readonly torn_files: number;
  readonly size_bytes: number;
}

/** What may go of it; what a member is absent of stays. */
export interface LandingRules {
  /** Landed files that were last written before this moment: no source is there any more that would go on from them. */
  readonly landed_before_ms?: number;
  /** Refused units that were kept before this moment, and whose path in the ledger is not among these. */
  readonly refused?: { readonly before_ms: number; readonly needed: ReadonlySet<string> };
  /** Responses that came before this moment, and whose hash is not among these. */
  readonly responses?: { readonly before_ms: number; readonly needed: ReadonlySet<string> };
  /** Half-written files that were last written before this moment. */
  readonly torn_before_ms?: number;
}

export interface LandingCollection extends LandingLeftovers {
  readonly source: string;
  /** Files that go, in this order; the index of the responses is written anew before. */
  readonly files: readonly string[];
  /** The index without the responses that go; undefined: it stays as it is. */
  readonly index?: string;
}

/** Tidying up what sources that are asked leave beside the lake. */
export interface LandingCare {
  /** Sources of which something lies there, configured or not. */
  sources(): Promise<readonly string[]>;
  /** What may go; changes nothing. With all rules at the end of time: what there is. */
  plan(source: string, rules: LandingRules): Promise<LandingCollection>;
  /** Nobody else may write there meanwhile. */
  collect(plan: LandingCollection): Promise<void>;
}
