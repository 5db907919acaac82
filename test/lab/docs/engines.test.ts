// @module-tag all
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { EngineFacts } from '../../../src/core/model/timeline.js';
import { scratchFolder } from '../../support/scratch.js';

const top = join(import.meta.dirname, '../../..');
const scratch = scratchFolder('engines');

/** A lab in which so many observers listen that `auto` takes one ring for all of them. */
const crowd = join(scratch, 'crowd.yml');
writeFileSync(
  crowd,
  'version: 1\nname: crowd\ntopology: { bridges: { br0: {} }, generate: [ { count: 34, name: "g{}", bridge: br0, port: "p{}" } ] }\nsteps: [ { name: s, probe: [ { class: known-unicast, from: g1, to: g2 } ], expect: private } ]\n',
);

/** The rows of the first table of docs/engines.md, as what an engine says of itself. */
const documented = [
  ...readFileSync(join(top, 'docs/engines.md'), 'utf8').matchAll(
    /^\| `(\w+)` \| (kernel|user) \| (known|unknown) \| (known|inferred) \| counted \|$/gm,
  ),
].map(([, engine = '', timestamps = '', length = '', direction = '']) => ({
  engine,
  timestamps,
  originalLength: length === 'known',
  direction,
}));

/** What the engine said in a run that was made with it. */
function factsOf(scenario: string, engine: string): EngineFacts | undefined {
  const out = join(scratch, engine);
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(top, 'dist/cli.cjs'), 'run', scenario, '--engine', engine, '--out', out, '--quiet'],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const entries = readFileSync(join(out, 'timeline.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): { readonly event: string; readonly facts?: EngineFacts } => JSON.parse(line));
  return entries.find(({ event }) => event === 'listening')?.facts;
}

describe('docs/engines.md', () => {
  it.each([
    ['libpcap', join(top, 'scenarios/switch-mode.yml'), 'libpcap'],
    ['cap', join(top, 'scenarios/switch-mode.yml'), 'cap'],
    ['ring', crowd, 'auto'],
  ])('says of %s what it says of itself in a run', (name, scenario, engine) => {
    expect(factsOf(scenario, engine)).toEqual(documented.find((row) => row.engine === name));
  });
});
