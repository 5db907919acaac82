import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Result, StepResult } from '../../../src/core/model/result.js';
import { attacks } from './attacks.mjs';
import { scratchFolder } from '../../support/scratch.js';

const scratch = scratchFolder('hostile');

/** Those who attack send probes too: the kernel's filter takes frames by their source, and is to take theirs. */
const probes = [
  ['alice', 'bob', 100],
  ['mallory', 'lan', 20],
  ['bob', 'lan', 20],
  ['lan', 'bob', 20],
]
  .map(([from, to, count]) => `{ class: known-unicast, from: ${from}, to: ${to}, count: ${count}, carriers: [raw] }`)
  .concat(
    '{ class: broadcast, from: mallory, count: 20, carriers: [raw], may_see: [alice, bob, lan], seen: { bob: all } }',
  )
  .join(', ');

/** A step for each attack: alice's unicast to bob, with mallory on a third port. */
function scenario(name: string, ageing: string): string {
  const steps = Object.keys(attacks).map(
    (attack) =>
      `  - { name: "${attack}", probe: [ ${probes} ], expect: ${ageing === '0' ? '{ verdict: broken }' : 'private'} }`,
  );
  const path = join(scratch, `${name}.yml`);
  writeFileSync(
    path,
    `version: 1
name: ${name}
topology:
  provider: lab
  bridges: { br0: { ageing_time: ${ageing}, stp_state: off } }
  endpoints:
    alice:   { bridge: br0, port: p0, mac: "52:54:00:00:00:0a", ip: 10.0.0.10/24 }
    bob:     { bridge: br0, port: p1, mac: "52:54:00:00:00:0b", ip: 10.0.0.11/24 }
    mallory: { bridge: br0, port: p2, mac: "52:54:00:00:00:0e", ip: 10.0.0.14/24, settings: { offloads: on } }
    lan:     { bridge: br0, port: p3, mac: "00:11:22:33:44:55", ip: 10.0.0.200/24, role: uplink }
steps:
${steps.join('\n')}
`,
  );
  return path;
}

interface Said {
  readonly result: Result;
  /** Frames a second of the fastest ear control. */
  readonly fastest: number;
}

function run(name: string, ageing: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'program.mjs'), scenario(name, ageing), join(scratch, `${name}-out`)],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('close', (status) =>
      status === 0 && out !== '' ? resolve(JSON.parse(out)) : reject(new Error(`status ${status ?? '?'}: ${err}`)),
    );
  });
}
const stepOf = ({ result }: Said, attack: string): StepResult => {
  const found = result.steps.find(({ name }) => name === attack);
  if (found === undefined) throw new Error(`no step ${attack}`);
  return found;
};

describe('a guest that attacks while the bridge holds', () => {
  let said: Said;
  beforeAll(async () => {
    said = await run('holding', '30s');
  });

  it.each(Object.entries(attacks))('%s: makes no leak', (attack, { verdict, reason }) => {
    const step = stepOf(said, attack);
    expect(step.findings.filter(({ leak }) => leak)).toEqual([]);
    expect(verdict.split(' or '), step.reasons.map(({ text }) => text).join('; ')).toContain(step.verdict);
    if (reason !== undefined) expect(step.reasons.map(({ code }) => code)).toContain(reason);
  });

  it('is heard whole: a frame of 64 KiB is in the evidence as long as it was', () => {
    const { stdout } = spawnSync(
      'tshark',
      [
        '-r',
        join(scratch, 'holding-out', 'evidence.pcapng'),
        '-Y',
        'frame.len > 60000',
        '-T',
        'fields',
        '-e',
        'frame.interface_name',
        '-e',
        'frame.len',
      ],
      { encoding: 'utf8' },
    );
    expect([...new Set(stdout.trim().split('\n'))]).toEqual(['p2\t64054']);
  });

  it('is heard: what it sends is in the evidence', () => {
    const received = (attack: string): number =>
      stepOf(said, attack).observers.find(({ name }) => name === 'bob')?.received ?? 0;
    for (const attack of Object.keys(attacks))
      if (attack !== 'nothing') expect(received(attack), attack).toBeGreaterThan(received('nothing') + 10);
  });

  it('is named where it made the kernel drop frames, and the step is never a holds', () => {
    for (const step of said.result.steps) {
      const deaf = step.observers.filter(({ dropped }) => dropped > 0);
      if (deaf.length > 0) expect(step.verdict).not.toBe('holds');
      for (const { name } of deaf)
        expect(
          step.reasons.filter(({ code, observer }) => code === 'frames-dropped' && observer === name),
        ).toHaveLength(1);
    }
  });

  it('meets controls that leave no faster than observers take them', () =>
    expect(said.fastest).toBeLessThanOrEqual(50_000));
});

describe('a guest that attacks while the bridge leaks', () => {
  let said: Said;
  beforeAll(async () => {
    said = await run('leaking', '0');
  });

  it.each(Object.keys(attacks))('%s: hides nothing', (attack) => {
    const step = stepOf(said, attack);
    expect(step.verdict).toBe('broken');
    expect(step.findings.find(({ observer }) => observer === 'mallory')).toMatchObject({ leak: true });
  });
});
