/** One exchange between two endpoints; `netns`: paths that setns takes, null = the caller's namespace. */
export interface ExchangeOptions {
  readonly client: { readonly netns: string | null };
  readonly server: { readonly netns: string | null };
  /** Address of the server. */
  readonly address: string;
  readonly requests: number;
  /** Octets of each answer. */
  readonly bytes: number;
}

/** What came of it; `detail` says how much was exchanged or what failed. */
export interface ExchangeOutcome {
  readonly ok: boolean;
  readonly detail: string;
}
