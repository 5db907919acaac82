import type { Scenario } from '../../src/model/scenario.js';

export function gateIndex(scenario: Scenario): number;
export function firstGate(scenario: Scenario): Scenario;
