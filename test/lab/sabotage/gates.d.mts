import type { Scenario } from '../../../src/core/model/scenario.js';

export function loadSmall(file: string): Scenario;
export function gatesOf(scenario: Scenario): readonly number[];
export function gatesOnly(scenario: Scenario, gates?: readonly number[]): Scenario;
export function firstGate(scenario: Scenario): Scenario;
export function repeatedGate(
  scenario: Scenario,
  names: readonly string[],
): { readonly first: number; readonly scenario: Scenario };
