import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/index.js';
import { probeClasses } from '../../src/model/scenario.js';

const top = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(top, 'docs/catalogue.md'), 'utf8');
const rows = [...(/## Scenarios by class\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '').matchAll(/^\| ([a-z-]+(?:, [a-z-]+)*) \| (.*) \|$/gm)].filter(([, names]) => names !== 'class' && names !== '---')
  .flatMap(([, names = '', links = '']) => names.split(', ').map((name) => ({ name, files: [...links.matchAll(/\.\.\/(scenarios\/[^)]+)\)/g)].map(([, file = '']) => file) })));

describe('the catalogue', () => {
  it('has a row of scenarios for every class', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...probeClasses].sort());
  });

  it.each(rows)('$name: its scenarios show it open and closed', async ({ name, files }) => {
    const scenarios = await Promise.all(files.map((file) => loadScenario(join(top, file))));
    const expected = scenarios.flatMap(({ steps }) => steps.filter((step) => step.probes.some((probe) => probe.class === name)).map((step) => step.expect.expected));
    expect(expected).toContain('broken');
    expect(expected).toContain('holds');
  });
});
