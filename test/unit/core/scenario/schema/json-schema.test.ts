import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { scenarioJsonSchema } from '../../../../../src/core/scenario/schema/json-schema.js';

const schema: Record<string, unknown> = JSON.parse(scenarioJsonSchema());
const validate = new Ajv({ allErrors: true, strict: true, strictTypes: false }).compile(schema);
const scenarios = new URL('../../../../../scenarios/', import.meta.url);
const shipped = readdirSync(scenarios, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yml'));
const faults = (text: string): readonly string[] =>
  validate(parse(text)) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath);

const good =
  'version: 1\nname: x\ntopology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }\nsteps: [ { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 3 } ] } ]\n';

describe('the JSON Schema, as an editor applies it', () => {
  it.each(shipped)('finds no fault in scenarios/%s', (file) =>
    expect(faults(readFileSync(new URL(file, scenarios), 'utf8'))).toEqual([]),
  );

  it.each([
    [
      'variables for a number and in a MAC',
      good.replace('count: 3', 'count: "${n}"').replace('version: 1', 'version: 1\nvars: { n: 3 }'),
    ],
    ['included steps', good.replace('steps: [', 'steps: [ { include: a.yml },')],
    [
      'an included topology',
      good.replace(/topology: .*/, 'topology: { include: t.yml, bridges: { br0: { ageing_time: 0 } } }'),
    ],
  ])('takes %s', (_, text) => expect(faults(text)).toEqual([]));

  it('describes a key by its own words alone, since editors show the first that they find', () => {
    const { definitions }: { readonly definitions: Record<string, { readonly description?: string }> } = JSON.parse(
      scenarioJsonSchema(),
    );
    expect(Object.keys(definitions)).toContain('probe');
    expect(
      Object.entries(definitions)
        .filter(
          ([name, { description }]) => name !== 'variable' && !name.startsWith('__schema') && description !== undefined,
        )
        .map(([name]) => name),
    ).toEqual([]);
  });

  it.each([
    ['an unknown key', good.replace('name: x', 'name: x\nnmae: y'), ''],
    ['a count of 0', good.replace('count: 3', 'count: 0'), '/steps/0'],
    ['an unknown class', good.replace('known-unicast', 'known'), '/steps/0'],
    ['a topology without bridges', good.replace('bridges: { br0: {} }, ', ''), '/topology'],
  ])('marks %s', (_, text, place) => expect(faults(text).some((each) => each.startsWith(place))).toBe(true));
});
