import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'reference-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Node {
  readonly properties: Record<string, unknown>;
  readonly definitions: Record<string, { readonly properties: Record<string, unknown> }>;
}

const generate = (
  schema: string,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
  spawnSync(process.execPath, [join(top, 'scripts/scenario-reference.mjs'), schema], { encoding: 'utf8' });

/** The schema with one thing more, as a file. */
function changed(name: string, change: (schema: Node) => void): string {
  const schema: Node = JSON.parse(readFileSync(join(top, 'schema/scenario.v1.json'), 'utf8'));
  change(schema);
  const path = join(scratch, name);
  writeFileSync(path, JSON.stringify(schema));
  return path;
}

describe('docs/scenario.md', () => {
  it('is what the schema says (npm run schema writes both)', () => {
    expect(generate(join(top, 'schema/scenario.v1.json'))).toMatchObject({
      status: 0,
      stderr: '',
      stdout: readFileSync(join(top, 'docs/scenario.md'), 'utf8'),
    });
  });

  it.each([
    [
      'a key of the file',
      changed('file.json', ({ properties }) => {
        properties['fresh'] = { type: 'string' };
      }),
      'the file.fresh',
    ],
    [
      'a key of a probe',
      changed('probe.json', ({ definitions }) => {
        (definitions['probe'] ?? { properties: {} }).properties['fresh'] = { $ref: '#/definitions/mac' };
      }),
      'probe.fresh',
    ],
    [
      'a map without a name',
      changed('map.json', ({ properties }) => {
        properties['fresh'] = { description: 'x', type: 'object', properties: { inner: { description: 'y' } } };
      }),
      'a map without a name: inner',
    ],
  ])('is not made while %s is not described', (_, schema, place) => {
    const { status, stderr } = generate(schema);
    expect({ status, told: stderr.includes(place) }).toEqual({ status: 65, told: true });
  });
});
