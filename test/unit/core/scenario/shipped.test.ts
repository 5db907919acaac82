import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseScenario } from '../../../../src/core/scenario/load-scenario.js';
import { unsupportedKeys } from '../../../../src/core/scenario/unsupported.js';

const folder = new URL('../../../../scenarios/', import.meta.url);

it.each(readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yml')))(
  '%s loads and is supported',
  (name) => {
    const readFile = (path: string): Buffer => readFileSync(new URL(path, folder));
    const { scenario, faults } = parseScenario(name, readFile(name), { readFile });
    expect(faults).toEqual([]);
    expect(scenario === null ? null : unsupportedKeys(scenario)).toEqual([]);
  },
);
