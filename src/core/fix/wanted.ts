import type { Mac } from '../model/mac.js';
import type { ConfigurationManager, PersistentFix } from '../model/persistent-fix.js';
import { splitFix } from './text.js';

/** One thing that a fix wants of a host, whatever command brings it about. */
export type Wanted =
  | { readonly kind: 'bridge' | 'port'; readonly device: string; readonly key: string; readonly value: string }
  | {
      readonly kind: 'entry';
      readonly device: string;
      readonly mac: Mac;
      readonly own: boolean;
      readonly sticky: boolean;
    }
  | { readonly kind: 'no-vlan'; readonly device: string; readonly vid: number }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'nft'; readonly rule: string }
  | { readonly kind: 'ovs'; readonly program: 'ovs-vsctl' | 'ovs-ofctl' };

const macWord = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** `flood off locked on` in twos; null where a word is left over. */
function pairsOf(words: readonly string[]): readonly (readonly [key: string, value: string])[] | null {
  if (words.length === 0 || words.length % 2 !== 0) return null;
  return words.flatMap((key, at) => (at % 2 === 0 ? [[key, words[at + 1] ?? ''] as const] : []));
}

function settings(kind: 'bridge' | 'port', device: string, words: readonly string[]): readonly Wanted[] {
  return (pairsOf(words) ?? []).map(([key, value]) => ({ kind, device, key, value }));
}

function entry(device: string, mac: string, words: readonly string[]): readonly Wanted[] {
  const own = words.includes('permanent') && words.includes('self');
  if (!macWord.test(mac) || !(own || words.includes('static'))) return [];
  return [{ kind: 'entry', device, mac, own, sticky: words.includes('sticky') }];
}

/** What a command of `bridge` wants. */
function wantedOfBridge(words: readonly string[]): readonly Wanted[] {
  const [object = '', verb = '', third = '', fourth = '', ...rest] = words;
  const said = `${object} ${verb} ${third}`;
  if (said === 'link set dev') return settings('port', fourth, rest);
  if (object === 'fdb' && ['replace', 'add'].includes(verb) && fourth === 'dev')
    return entry(rest[0] ?? '', third, rest.slice(1));
  const [key = '', vid = ''] = rest;
  if (said === 'vlan del dev' && key === 'vid' && /^\d+$/.test(vid))
    return [{ kind: 'no-vlan', device: fourth, vid: Number(vid) }];
  return [];
}

/** `NAME=VALUE` of `sysctl -w`. */
function wantedSysctl(text: string): readonly Wanted[] {
  const at = text.indexOf('=');
  return at < 0 ? [] : [{ kind: 'sysctl', name: text.slice(0, at), value: text.slice(at + 1) }];
}

function wantedOf(argv: readonly string[]): readonly Wanted[] {
  const [program, ...words] = argv;
  const [first = '', ...rest] = words;
  switch (program) {
    case 'ip': {
      const [set, dev, device = '', ...options] = rest;
      const isBridge = [first, set, dev, ...options.slice(0, 2)].join(' ') === 'link set dev type bridge';
      return isBridge ? settings('bridge', device, options.slice(2)) : [];
    }
    case 'bridge':
      return wantedOfBridge(words);
    case 'sysctl':
      return first === '-w' ? rest.flatMap(wantedSysctl) : [];
    case 'nft':
      return /^add( |$)/.test(first) ? [{ kind: 'nft', rule: words.join(' ') }] : [];
    case 'ovs-vsctl':
    case 'ovs-ofctl':
      return [{ kind: 'ovs', program }];
    default:
      return [];
  }
}

/**
 * What a fix of a cause (core/judge/explain/causes) or of a finding of the audit wants. Fixes are commands joined by
 * `&&`; those of the audit may go on in words after the first command (`…, or …`), which are left out. Commands that
 * want nothing that could be kept, such as the removal of a rule, give nothing.
 */
export function wantedOfFix(fix: string): readonly Wanted[] {
  const commands = fix.replace(/^[^:']*: (?=(ip|bridge|sysctl) )/, '').split(/, | and (?=a )/)[0] ?? '';
  return splitFix(commands).flatMap(({ argv }) => wantedOf(argv));
}

/**
 * What one manager's configuration has to say so that what a fix wants of one device stays. Pure; never empty: without
 * a form it says so.
 */
export type Form<K extends ConfigurationManager> = (manager: K, wanted: readonly Wanted[]) => readonly PersistentFix[];

export type ManagerOf<By extends ConfigurationManager['by']> = Extract<ConfigurationManager, { readonly by: By }>;

/** What is wanted of a guest's port, by what a manager of guests has options for. */
export interface PortWishes {
  readonly isolated: readonly Wanted[];
  readonly locked: boolean;
  /** Entries that are written, and no flooding or learning in their place. */
  readonly table: readonly Wanted[];
  readonly rest: readonly Wanted[];
}

export function sortPortWishes(wanted: readonly Wanted[]): PortWishes {
  const is = (wish: Wanted, key: string, value: string): boolean =>
    wish.kind === 'port' && wish.key === key && wish.value === value;
  const isolated = wanted.filter((wish) => is(wish, 'isolated', 'on'));
  const table = wanted.filter(
    (wish) => (wish.kind === 'entry' && !wish.own) || is(wish, 'flood', 'off') || is(wish, 'learning', 'off'),
  );
  return {
    isolated,
    locked: wanted.some((wish) => is(wish, 'locked', 'on')),
    table,
    rest: wanted.filter((wish) => !isolated.includes(wish) && !table.includes(wish) && !is(wish, 'locked', 'on')),
  };
}
