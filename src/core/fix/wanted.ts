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

function wantedOf(argv: readonly string[]): readonly Wanted[] {
  const [program, ...rest] = argv;
  const said = rest.slice(0, 3).join(' ');
  if (program === 'ip' && said === 'link set dev' && rest[4] === 'type' && rest[5] === 'bridge')
    return settings('bridge', rest[3] ?? '', rest.slice(6));
  if (program === 'bridge' && said === 'link set dev') return settings('port', rest[3] ?? '', rest.slice(4));
  if (program === 'bridge' && rest[0] === 'fdb' && (rest[1] === 'replace' || rest[1] === 'add') && rest[3] === 'dev')
    return entry(rest[4] ?? '', rest[2] ?? '', rest.slice(5));
  if (program === 'bridge' && said === 'vlan del dev' && rest[4] === 'vid' && /^\d+$/.test(rest[5] ?? ''))
    return [{ kind: 'no-vlan', device: rest[3] ?? '', vid: Number(rest[5]) }];
  if (program === 'sysctl' && rest[0] === '-w')
    return rest
      .slice(1)
      .flatMap((one): readonly Wanted[] =>
        one.includes('=')
          ? [{ kind: 'sysctl', name: one.slice(0, one.indexOf('=')), value: one.slice(one.indexOf('=') + 1) }]
          : [],
      );
  if (program === 'nft' && (rest[0] === 'add' || rest[0] === 'add table' || /^add /.test(rest[0] ?? '')))
    return [{ kind: 'nft', rule: rest.join(' ') }];
  if (program === 'ovs-vsctl' || program === 'ovs-ofctl') return [{ kind: 'ovs', program }];
  return [];
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
