import { type WholeInput, type WholeFound, wholeScenario } from '../../../src/core/discover/whole/compose.js';
import type { Scenario } from '../../../src/core/model/scenario.js';
import { loadScenario } from '../../../src/core/scenario/load-scenario.js';

/** A host of which nothing is known but what is `given`. */
export function inputOf(
  given: Pick<WholeInput, 'state'> & Partial<WholeInput>,
  wishes: Partial<WholeInput['wishes']> = {},
): WholeInput {
  return {
    neighbours: [],
    inventory: { guests: [], unread: [] },
    beside: { devices: [], bridges: [], routes: [], sysctl: {} },
    addresses: {},
    netns: null,
    wishes: {
      bridge: null,
      guests: [],
      zones: [],
      classes: [],
      catalogue: null,
      rate: null,
      forMs: null,
      rules: 8,
      ...wishes,
    },
    ...given,
  };
}

/** What is composed for a host, and what is read of that. */
export function composed(
  given: Pick<WholeInput, 'state'> & Partial<WholeInput>,
  wishes: Partial<WholeInput['wishes']> = {},
): { readonly whole: WholeFound; readonly scenario: Scenario } {
  const whole = wholeScenario(inputOf(given, wishes));
  return { whole, scenario: loadScenario('composed', Buffer.from(JSON.stringify(whole.scenario))) };
}
