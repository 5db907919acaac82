import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codes, explainCode, listCodes } from '../../../../../src/cli/commands/scenario/explain.js';
import { groupHelp, helpGroups } from '../../../../../src/cli/help.js';

const list = listCodes();

describe('explainCode', () => {
  it.each(codes)('explains %s in a sentence', (code) => {
    expect(explainCode(code)).toMatch(/^[a-z0-9-]+: an? .+\.\n {2}\S.{10,}\.?\n/);
    expect(list).toMatch(new RegExp(`^ {2}${code} +[A-Za-z].{8,}[.]$`, 'm'));
  });

  it.each([
    ['ageing-zero', 'a finding of the audit, and the cause of a leak'],
    ['bridge-chain-skipped', 'a finding of the audit'],
    ['docker-isolation', 'a cause of a leak'],
  ])('says whether %s is found by an audit, causes leaks, or both', (code, kind) => {
    expect(explainCode(code).split('\n')[0]).toBe(`${code}: ${kind}.`);
  });

  it('ends the list, in a terminal of 24 lines, with verdicts and statuses, and how to read on', () => {
    const end = listCodes().trimEnd().split('\n').slice(-23);
    expect(end).toContain('verdicts:');
    expect(end).toContain('exit statuses:');
    expect(end.at(-1)).toContain('explain WORD');
  });

  it('folds what it says to the width of a terminal, without losing a word', () => {
    const words = (text: string): readonly string[] => text.split(/\s+/);
    for (const [whole, folded] of [
      [listCodes(), listCodes(80)],
      ...codes.map((code) => [explainCode(code), explainCode(code, 80)] as const),
    ] as const) {
      expect(folded.split('\n').filter((line) => line.length > 80)).toEqual([]);
      expect(words(folded)).toEqual(words(whole));
    }
  });

  it('explains words of reports as they are written there', () => {
    expect(explainCode('BROKEN')).toBe(
      'broken: a verdict.\n  A frame reached an endpoint that must not receive it. Nothing overrides this.\n',
    );
    expect(explainCode('2')).toContain('there is a leak beyond what was expected');
    expect(explainCode('gateway-steal')).toContain('a class of probes');
    expect(explainCode('CVE-2019-15753')).toContain('See ageing-zero');
    expect(explainCode('raw')).toContain('a carrier of probes');
    expect(explainCode('EXPOSED')).toContain('with run --strict it is BROKEN');
    expect(explainCode('CUTS OFF')).toContain('a word of an answer');
  });

  it('names the nearest code for a misspelt one', () => {
    expect(() => explainCode('control-mising')).toThrow(
      expect.objectContaining({ exitCode: 64, message: expect.stringContaining('"control-missing"') }),
    );
  });

  it.each([
    ['promiscuous', 'bridge-promiscuous'],
    ['hub', 'ageing-zero'],
    ['sniffer', 'sniffer-on-host'],
    ['vmware', 'vmnet-present'],
  ])('finds the codes for %s', (word, code) => {
    expect(explainCode(word)).toMatch(new RegExp(`^${word} is not a code. These codes mention it:\n`));
    expect(explainCode(word)).toMatch(new RegExp(`^  ${code} `, 'm'));
  });

  it.each(['.*', '(', 'x'])('finds no code for %s', (word) => {
    expect(() => explainCode(word)).toThrow(expect.objectContaining({ exitCode: 64 }));
  });
});

describe('groupHelp', () => {
  it('has a group for every command that help lists', () => {
    const folder = resolve(import.meta.dirname, '../../../../../src/cli/commands');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        [...readFileSync(join(folder, file), 'utf8').matchAll(/= command\(\s*'([\w-]+)[^']*',\s*(?!\s|false)/g)].map(
          ([, name]) => name ?? '',
        ),
      );
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => !helpGroups.some((group) => group.names.includes(name)))).toEqual([]);
  });

  it('loses no command, not even one that it does not know', () => {
    const text = groupHelp(
      'x\n\nCommands:\n  p run <f>  run\n             more\n  p odd      odd\n\nOptions:\n  --help\n',
    );
    expect(text).toBe(
      'x\n\nTry:\n  p run <f>  run\n             more\n\nOther:\n  p odd      odd\n\nOptions:\n  --help\n',
    );
  });
});
