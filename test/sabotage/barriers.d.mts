import type { Scenario } from '../../src/model/scenario.js';

export const barriers: Readonly<Record<string, (scenario: Scenario) => Scenario>>;
export function gatesBehind(scenario: Scenario, name: string): readonly number[];
export function barriersOf(scenario: Scenario): readonly string[];
