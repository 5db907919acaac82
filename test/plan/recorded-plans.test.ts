import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFolder } from '../../src/evidence/parse-folder.js';
import { makePlan } from '../../src/plan/make-plan.js';
import { loadScenario } from '../../src/scenario/load-scenario.js';

const captures = resolve(import.meta.dirname, '../../captures');
const recorded = readdirSync(captures).filter((name) => existsSync(join(captures, name, 'plan.json')));

describe('a recorded scenario', () => {
  // What a plan says beyond that is new since; what it says otherwise changes what is sent, and asks for a new recording.
  it.each(recorded)('%s is planned today as it was carried out', async (name) => {
    const { runTag, keySha256 } = (await parseFolder(join(captures, name))).plan;
    const scenario = loadScenario('scenario.yml', readFileSync(join(captures, name, 'scenario.yml')));
    const today: unknown = JSON.parse(JSON.stringify(makePlan(scenario, { runTag, keySha256 })));
    expect(today).toMatchObject(JSON.parse(readFileSync(join(captures, name, 'plan.json'), 'utf8')));
  });
});
