import { setWords } from '../bridge/change-commands.js';
import type { Change, ChangeOf } from '../model/fabric.js';
import type { Mac } from '../model/scenario.js';
import type { ConfigurationManager, PersistentFix } from '../model/fix.js';

/** One thing that a fix wants of a host, whatever command brings it about. */
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

/**
 * What the changes of a fix want of a host so that it stays. What wants nothing that could be kept, such as the removal
 * of a rule, gives nothing.
 */
export function targetsOf(changes: readonly Change[]): readonly Wanted[] {
  return changes.flatMap(wantedOfChange);
}

/**
 * What one manager's configuration has to say so that what a fix wants of one device stays. Pure; never empty: without
 * a form it says so.
 */
export type Form<K extends ConfigurationManager> = (manager: K, wanted: readonly Wanted[]) => readonly FormPart[];

/** A persistent form before it is put together with others that go to the same file. */
export interface FormPart extends Omit<PersistentFix, 'form'> {
  readonly form: string | FormContent;
}

/** What a form adds to a file. */
export interface FormContent {
  /** Lines that the file begins with, once. */
  readonly head: readonly string[];
  readonly blocks: readonly FileBlock[];
}

/** Lines of a file that stand together. */
export interface FileBlock {
  /** The heading that all such blocks stand below, or the option whose values they are; '' = they have none. */
  readonly under: string;
  /** What stands between that and each of the texts. */
  readonly glue: '\n' | ' ';
  readonly text: string;
}

/** Lines without a heading. */
export function plainBlock(text: string): FileBlock {
  return { under: '', glue: '\n', text };
}

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
    (wish) => (wish.kind === 'entry' && !wish.self) || is(wish, 'flood', 'off') || is(wish, 'learning', 'off'),
  );
  return {
    isolated,
    locked: wanted.some((wish) => is(wish, 'locked', 'on')),
    table,
    rest: wanted.filter((wish) => !isolated.includes(wish) && !table.includes(wish) && !is(wish, 'locked', 'on')),
  };
}
