export interface RunFolder {
  readonly run: unknown;
  readonly plan: unknown;
  readonly timeline: readonly unknown[];
  readonly states: Readonly<Record<string, unknown>>;
  readonly capture: Buffer;
}
export interface ReasonCase {
  readonly why: string;
  readonly also?: readonly string[];
  readonly status?: number;
}
export declare const reasonCases: Readonly<Record<string, ReasonCase>>;
export declare function changed(base: RunFolder, reasonCase: ReasonCase): RunFolder;
