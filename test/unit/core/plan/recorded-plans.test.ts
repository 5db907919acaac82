import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../../src/core/model/plan.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { parseFolder } from '../../../../src/system/evidence/folder/parse-folder.js';

const captures = resolve(import.meta.dirname, '../../../../captures');
const recorded = readdirSync(captures).filter((name) => existsSync(join(captures, name, 'plan.json')));

/**
 * What a plan does to the network under test: changes, and frames with who sends and who hears them; not how it proves
 * that it could hear.
 */
function deeds(plan: Plan): unknown {
  return JSON.parse(
    JSON.stringify(
      plan.steps.map(({ name, changes, flows, observers, traffic, learn, waitMs }) => ({
        name,
        changes,
        observers,
        traffic,
        learn,
        waitMs,
        flows: flows.map(({ class: probeClass, carrier, from, to, sender, frame, count, must, may, judged }) => ({
          probeClass,
          carrier,
          from,
          to,
          sender,
          frame,
          count,
          must,
          may,
          judged,
        })),
      })),
    ),
  );
}

describe('a recorded scenario', () => {
  it.each(recorded)('%s does today what it did', async (name) => {
    const { plan } = await parseFolder(join(captures, name));
    const scenario = loadScenario('scenario.yml', readFileSync(join(captures, name, 'scenario.yml')));
    expect(deeds(makePlan(scenario, { runTag: plan.runTag, keySha256: plan.keySha256 }))).toEqual(deeds(plan));
  });
});
