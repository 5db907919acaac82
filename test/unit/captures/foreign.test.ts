import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callHere } from '../../support/call-here.js';
import { foreignCases } from '../../captures/foreign-cases.mjs';

const top = resolve(import.meta.dirname, '../../..');
const folder = (name: string): string => join(top, 'captures', name);

/** Replays as in the folder of the case, so that a report names its files as a user does. */
async function replay(name: string, args: readonly string[]) {
  const workingFolder = process.cwd();
  process.chdir(folder(name));
  const { stdout, status } = await callHere('replay', ...args, '--json').finally(() => process.chdir(workingFolder));
  const report: unknown = JSON.parse(stdout);
  return { stdout, status, report: report as Report };
}

interface Report {
  readonly listeners: readonly {
    readonly files: readonly { readonly foreign: number }[];
    readonly reasons: readonly { readonly code: string }[];
    readonly pairs: readonly {
      readonly ways: string;
      readonly otherWayExists: boolean;
      readonly heard: readonly {
        readonly payloadOctets: number;
        readonly protocols: readonly { readonly name: string }[];
      }[];
    }[];
  }[];
}

describe('captures of others', () => {
  it('has every folder of the corpus in its table', () => {
    expect(
      readdirSync(join(top, 'captures'))
        .filter((name) => name.startsWith('foreign-'))
        .sort(),
    ).toEqual(Object.keys(foreignCases).sort());
  });

  it.each(Object.entries(foreignCases))('%s', async (name, { files, args, expect: wanted }) => {
    for (const [file, bytes] of Object.entries(files)) {
      // What gzip makes of the same bytes may differ from one version of zlib to the next.
      if (!file.endsWith('.gz'))
        expect(readFileSync(join(folder(name), file)).equals(bytes), `${file} is what the table says`).toBe(true);
    }
    const { stdout, status, report } = await replay(name, args);
    expect(stdout).toBe(readFileSync(join(folder(name), 'expected.json'), 'utf8'));
    const pairs = report.listeners.flatMap((listener) => listener.pairs);
    const heard = pairs.flatMap((pair) => pair.heard);
    const reported = {
      exit: status,
      foreign: report.listeners.flatMap((listener) => listener.files).reduce((sum, file) => sum + file.foreign, 0),
      reasons: report.listeners.flatMap((listener) => listener.reasons.map(({ code }) => code)),
      ways: pairs.map(({ ways }) => ways),
      otherWayExists: pairs.some((pair) => pair.otherWayExists),
      protocols: heard.flatMap((direction) => direction.protocols.map((protocol) => protocol.name)),
      payloadOctets: heard.reduce((sum, direction) => sum + direction.payloadOctets, 0),
    };
    expect(reported).toMatchObject(wanted);
  });

  it('finds the same, whatever the form of the file', async () => {
    const pairsOf = async (name: string) =>
      (await replay(name, foreignCases[name]?.args ?? [])).report.listeners[0]?.pairs.map(({ ways, heard }) => ({
        ways,
        counts: heard.map((direction) => [direction.payloadOctets, direction.protocols]),
      }));
    const plain = await pairsOf('foreign-both-ways');
    for (const form of ['nanoseconds', 'big-endian', 'big-endian-nanoseconds', 'pcapng', 'pcapng-big-endian', 'gzip'])
      expect(await pairsOf(`foreign-${form}`), form).toEqual(plain);
  });
});
