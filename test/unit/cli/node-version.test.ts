import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFault } from '../../../src/cli/node-version.js';
import { top } from '../../support/documents.js';

it.each(['18.20.4', '20.18.3', '16.0.0'])('tells a user of Node.js %s in one sentence', (version) => {
  expect(nodeFault(version)).toMatch(new RegExp(`^verify-isolation: Node.js ${version} is too old.*\\n$`));
});

it.each(['20.19.0', '22.0.0', '24.11.1'])('lets Node.js %s pass', (version) => {
  expect(nodeFault(version)).toBeNull();
});

it('asks for what the package asks for', () => {
  const { engines }: { readonly engines: { readonly node: string } } = JSON.parse(
    readFileSync(join(top, 'package.json'), 'utf8'),
  );
  const [, least = ''] = /^>=(\d+\.\d+)\.0$/.exec(engines.node) ?? [];
  expect(nodeFault('1.0.0')).toContain(`Node.js ${least} or newer`);
});
