/** What judged, and what test/sabotage did to this version before it was released. */
export interface ToolRecord {
  readonly name: string;
  readonly version: string;
  readonly verdictRules: 1;
  readonly sabotage?: { readonly cases: number; readonly falseHolds: number };
}
