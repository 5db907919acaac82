import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../..');

/** A word that neither code nor documents have, and what they have instead. */
const banned: readonly (readonly [word: RegExp, use: string])[] = [
  [/\bwhoever\b/i, 'the noun: the sender, the process, the user'],
  [/\b(he|his|him)\b/i, 'it, its, or the noun'],
  [/\btold\b|Told|\btold[A-Z]/i, 'reported, distinguished, notified, or the noun of what is reported'],
  [/\btell(s|er|ing)?\b|\btell[A-Z]|[a-z]Tell/i, 'report, print, show, distinguish'],
  [/\bmend(s|ed|ing)?\b/i, 'fix'],
  [/keeper/i, 'configuration manager, store, pool'],
  [/\bfore(told|tell|tells)\b/i, 'predicted, predict'],
  [/\bstretch(es)?\b/i, 'interval'],
  [/provok/i, 'cause; an expected side effect'],
  [/\bgrave\b|isGrave/i, 'high'],
  [/\bso (often|long|many)\b/i, 'this often, this long, this many; in help the quantity that is meant'],
  [/\b(name|pattern|row|expression) fits\b|\bfits (the pattern|the claim|a glob|no step)/i, 'matches'],
  [/\bkeep(ing)? house\b/i, 'maintenance'],
  [/\bby which order\b/i, 'change ticket'],
  [/\blast words\b/i, 'see its stderr'],
  [/\boctets?\b/i, 'bytes'],
  [/\bmost[A-Z]\w*\b/, 'maxX'],
  [/\bnobody's word\b/i, 'cannot be authenticated'],
  [/\bdraws no lots\b/i, 'uses no randomness'],
  [/\bto be had\b/i, 'available'],
  [/\bat its begin\b/i, 'at the start'],
  [
    /\b(Judging|Seen|Cast|Standing|Growing)\b|Surroundings\b|\bListener\b|[gG]rowing[A-Z]/,
    'JudgeState, FrameArrival, Partial…, …Context or …Input, an observer',
  ],
  [/\blasting[A-Z]|[a-z]Lasting|\b(const|let) lasting\b/, 'persistent'],
  [/\brehears/i, 'dry run'],
  [/\bevery way in\b|\bways in(?! which)\b|\bway in (through|for|of)\b/i, 'injection port'],
  [/\b(read|parse)Reading\b|: Reading\b/, 'Snapshot: a state of the system at one moment'],
  [/\b(earControl|earForms|earReasons|FlowAim)/, 'receive control; destination'],
  [/\b(bears?|bearing|bore|borne)\b/i, 'carry, have'],
  [/\b(fares?|fared)\b/i, 'behave, become of'],
  [/\bheed(s|ed|ing)?\b/i, 'obey, take'],
  [
    /\b(program|process|thread|helper|manager|kernel|socket|engine)(e?s)?,? whom?\b|\bwho (says|parses)\b/i,
    'that, which; the noun of the program',
  ],
];

/**
 * What stands for a contract and is left out before words are looked for: keys of files, results and messages (with
 * `told`, a value of plan.json), tcpdump's text of an ARP request, and the C library's ftell(3).
 */
const contract: readonly RegExp[] = [
  /\bkeepers\b/g,
  /\bprovokes\b/g,
  /\buntold\b/g,
  /\bmend\b(?=\s*(:|===|!==|[,)}\]]|\?))|\.mend\b/g,
  /\boctets\b(?=:)/g,
  /who-has \S+ tell /g,
  /\bftell\b/g,
  /['`]told['`](?= as const|,| in the answer| \|)/g,
];

/** Documents beside those in docs/. */
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];

function files(folder: string, ending: string): readonly string[] {
  return readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1));
}

function faults(path: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, at) => {
    const rest = contract.reduce((left, key) => left.replaceAll(key, ''), line);
    return banned.flatMap(([word, use]) => {
      const [found] = word.exec(rest) ?? [];
      return found === undefined ? [] : [`${path}:${at + 1}: "${found}": write ${use}`];
    });
  });
}

it.each([
  ['whoever', '// whoever sends'],
  ['told', 'const told = 1'],
  ['Told', 'lossTold'],
  ['mends', '// it mends the bridge'],
  ['Octets', '/** Octets of a frame. */'],
  ['lastingF', 'const lastingFix = 1;'],
  ['ways in', '// makes its ways in'],
  ['bears', '// the frame bears the MAC'],
  ['fare', '// guests that fare alike'],
  ['heed', 'const handed = heed(onStop);'],
  ['Who says', '/** Who says which guests there are. */'],
  ['process who', '// a process who reads'],
])('%s is found', (word, line) => {
  expect(faults('x', line)).toEqual([expect.stringContaining(`x:1: "${word}"`)]);
});

it.each(['keepers: maybe([configurationManager])', 'readonly octets: number;'])('%s is a key, and stays', (line) => {
  expect(faults('x', line)).toEqual([]);
});

it('code and documents have none of the banned words', () => {
  const paths = [...files('src', '.ts'), ...files('docs', '.md'), ...documents];
  expect(paths.length).toBeGreaterThan(600);
  expect(paths.flatMap((path) => faults(path, readFileSync(join(top, path), 'utf8')))).toEqual([]);
});
