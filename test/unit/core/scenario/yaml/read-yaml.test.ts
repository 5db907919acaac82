import { describe, expect, it } from 'vitest';
import { readYaml } from '../../../../../src/core/scenario/yaml/read-yaml.js';

const faultsOf = (text: string): readonly string[] => {
  const file = readYaml(Buffer.from(text));
  return file.ok ? [] : file.faults.map(({ line, col, message }) => `${line}:${col} ${message}`);
};

describe('a file that is no YAML', () => {
  it('is wrong in the line that is wrong, and not in each word after it', () => {
    const after = Array.from({ length: 50 }, (_, at) => `key${at}: { a: ${at}, b: "x" }`).join('\n');
    expect(faultsOf(`  version: 1\nname: x\n${after}\n`)).toEqual([expect.stringMatching(/^2:1 not valid YAML: /)]);
  });

  it('is wrong in each of two lines that have nothing to do with each other', () => {
    expect(faultsOf('version: 1\nname: "\\q"\ntopology: { a: "\\w" }\n')).toEqual([
      expect.stringMatching(/^2:/),
      expect.stringMatching(/^3:/),
    ]);
  });
});
