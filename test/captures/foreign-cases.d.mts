/** One case of the corpus of captures that others recorded. */
export interface ForeignCase {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly args: readonly string[];
  readonly expect: Readonly<Record<string, unknown>>;
  readonly why: string;
}
export const foreignCases: Readonly<Record<string, ForeignCase>>;
