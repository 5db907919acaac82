export interface Candidate {
  readonly name: string;
  readonly minutes: number;
}

export function candidate(name: string): Candidate;

export function drawShare(candidates: readonly Candidate[], seed: string, budgetMinutes: number): readonly string[];
