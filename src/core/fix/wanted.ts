import { setWords } from '../bridge/change-commands.js';
import type { Change, ChangeOf } from '../model/fabric.js';
import type { Mac } from '../model/scenario.js';
import type { ConfigurationManager, PersistentFix } from '../model/fix.js';

/** An effect of a fix, whatever its command. */
export type Wanted =
  | { readonly kind: 'bridge' | 'port'; readonly device: string; readonly key: string; readonly value: string }
  | {
      readonly kind: 'entry';
      readonly device: string;
      readonly mac: Mac;
      readonly self: boolean;
      readonly sticky: boolean;
    }
  | { readonly kind: 'no-vlan'; readonly device: string; readonly vid: number }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'nft'; readonly rule: string }
  | { readonly kind: 'ovs'; readonly program: 'ovs-vsctl' | 'ovs-ofctl' };

function wantedOfCommand([program, ...words]: readonly string[]): readonly Wanted[] {
  switch (program) {
    case 'nft':
      return /^add( |$)/.test(words[0] ?? '') ? [{ kind: 'nft', rule: words.join(' ') }] : [];
    case 'modprobe':
      return words.map((name) => ({ kind: 'module', name }));
    case 'ovs-vsctl':
    case 'ovs-ofctl':
      return [{ kind: 'ovs', program }];
    default:
      return [];
  }
}

function wantedOfEntry(change: ChangeOf<'fdb' | 'vlan'>): readonly Wanted[] {
  if (change.kind === 'vlan')
    return change.act === 'del' ? [{ kind: 'no-vlan', device: change.entry.port, vid: change.entry.first }] : [];
  const { mac, port, sticky, self } = change.entry;
  return change.act === 'add' ? [{ kind: 'entry', device: port, mac, self, sticky }] : [];
}

function wantedOfChange(change: Change): readonly Wanted[] {
  switch (change.kind) {
    case 'set': {
      const [, , key = '', value = ''] = setWords(change);
      return change.place === 'link' ? [] : [{ kind: change.place, device: change.device, key, value }];
    }
    case 'fdb':
    case 'vlan':
      return wantedOfEntry(change);
    case 'sysctl':
      return [{ kind: 'sysctl', name: change.name, value: change.value }];
    case 'run':
      return wantedOfCommand(change.argv);
    case 'ovs-set':
    case 'fdb-flush':
    case 'mirror':
    case 'mdb':
    case 'start':
    case 'stop':
      return [];
  }
}

/** Effects that have to persist. A rule's removal has none. */
export function targetsOf(changes: readonly Change[]): readonly Wanted[] {
  return changes.flatMap(wantedOfChange);
}

/** A manager's form. Never empty: without a form it says so. */
export type Form<K extends ConfigurationManager> = (manager: K, wanted: readonly Wanted[]) => readonly FormPart[];

/** A form before it is merged with others of its file. */
export interface FormPart extends Omit<PersistentFix, 'form'> {
  readonly form: string | FormContent;
}

export interface FormContent {
  /** First lines of the file, once. */
  readonly head: readonly string[];
  readonly blocks: readonly FileBlock[];
}

/** Lines of a file that belong together. */
export interface FileBlock {
  /** The heading, or the option of the values. '' = none. */
  readonly under: string;
  /** Between that and each text. */
  readonly glue: '\n' | ' ';
  readonly text: string;
}

/** Lines without a heading. */
export function plainBlock(text: string): FileBlock {
  return { under: '', glue: '\n', text };
}

export type ManagerOf<By extends ConfigurationManager['by']> = Extract<ConfigurationManager, { readonly by: By }>;

/** Effects on a guest's port by managers' options. */
export interface PortWishes {
  readonly isolated: readonly Wanted[];
  readonly locked: boolean;
  /** Static entries, and no flooding or learning. */
  readonly table: readonly Wanted[];
  readonly rest: readonly Wanted[];
}

export function sortPortWishes(wanted: readonly Wanted[]): PortWishes {
  const is = (wish: Wanted, key: string, value: string): boolean =>
    wish.kind === 'port' && wish.key === key && wish.value === value;
  const isolated = wanted.filter((wish) => is(wish, 'isolated', 'on'));
  const table = wanted.filter(
    (wish) => (wish.kind === 'entry' && !wish.self) || is(wish, 'flood', 'off') || is(wish, 'learning', 'off'),
  );
  return {
    isolated,
    locked: wanted.some((wish) => is(wish, 'locked', 'on')),
    table,
    rest: wanted.filter((wish) => !isolated.includes(wish) && !table.includes(wish) && !is(wish, 'locked', 'on')),
  };
}
