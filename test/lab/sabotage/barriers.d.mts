import type { Scenario } from '../../../src/core/model/scenario.js';

export const barriers: Readonly<Record<string, (scenario: Scenario) => Scenario>>;
export function without(scenario: Scenario, name: string): Scenario;
export function barriersOf(
  scenario: Scenario,
): readonly { readonly barrier: string; readonly carried: readonly number[] }[];
