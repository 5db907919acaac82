import type { Scenario } from '../../src/model/scenario.js';

export const barriers: Readonly<Record<string, (scenario: Scenario) => Scenario>>;
export function barriersOf(scenario: Scenario): readonly string[];
