import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { limitsOf, methodStatement } from '../../../../src/core/plan/method-statement.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';

const scenarios = resolve(import.meta.dirname, '../../../../scenarios');
const planOf = (name: string) =>
  makePlan(loadScenario(name, readFileSync(resolve(scenarios, name))), { runTag: 1, keySha256: '0'.repeat(64) });

it('the method says what was sent, as whom, observed where, by which rules and statistics', () => {
  const text = methodStatement(planOf('switch-mode.yml')).join('\n');
  expect(text).toContain('sent 1200 frames of known-unicast (raw, ipv4-udp) as kali2, lan.');
  expect(text).toContain('kali3 (vnet4)');
  expect(text).toContain('with the filter "ether src 52:54:00:85:20:d1 or');
  expect(text).toMatch(/\d+ controls prove ears and entry/);
  expect(text).toContain('1 - 0.05^(1/n)');
  expect(text).toContain('frames leak independently of each other');
});

it('the limits name the classes that were sent, and that a lab says nothing about a host', () => {
  const limits = limitsOf(planOf('switch-mode.yml')).join('\n');
  expect(limits).toContain('the probes were of known-unicast');
  expect(limits).toContain('Nothing about a host');
});
