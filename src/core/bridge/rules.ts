import { once } from '../text/collections.js';

import type { HostState } from '../model/state.js';
import { type Fields, fieldsOf, objectsOf, objectsWithin, textOf } from '../text/json-text.js';

/** libnftables-json(5). */
interface NftPart {
  readonly fields: Fields;
  readonly family: string;
  readonly table: string;
  /** `inet filter forward`. */
  readonly place: string;
  /** The chain's. Empty = no device, or jumped to. */
  readonly devices: readonly string[];
}

export interface NftChain extends NftPart {
  readonly hook: string | null;
}

export interface NftRule extends NftPart {
  /** Never its text: `nft netdev t c handle 4`. */
  readonly name: string;
  /** Undefined: not listed. */
  readonly chain: NftChain | undefined;
  readonly parts: readonly Fields[];
  readonly statements: readonly (readonly [name: string, value: unknown])[];
}

export interface NftRules {
  readonly rules: readonly NftRule[];
  readonly chains: ReadonlyMap<string, NftChain>;
  /** `table`, `set`, `map`, `flowtable`. */
  readonly listed: (kind: string) => readonly Fields[];
}

function partOf(fields: Fields, chainKey: 'name' | 'chain'): Omit<NftPart, 'devices'> {
  const [family = '', name = '', chain = ''] = ['family', 'table', chainKey].map((key) => textOf(fields[key]) ?? '');
  const table = `${family} ${name}`;
  return { fields, family, table, place: `${table} ${chain}` };
}

/** nft prints one as text, several as a list. */
export function listedDevices({ dev }: Fields): readonly string[] {
  return [dev].flat().filter((device) => typeof device === 'string');
}

function readNft(listing: unknown): NftRules {
  const parts = objectsOf(listing);
  const listed = (kind: string): readonly Fields[] => objectsOf(parts.map((part) => part[kind]));
  const chains = new Map(
    listed('chain').map((fields) => {
      const part = partOf(fields, 'name');
      return [part.place, { ...part, hook: textOf(fields['hook']), devices: listedDevices(fields) }] as const;
    }),
  );
  const rules = listed('rule').map((fields): NftRule => {
    const part = partOf(fields, 'chain');
    const chain = chains.get(part.place);
    const expressions = objectsOf(fields['expr']);
    return {
      ...part,
      name: `nft ${part.place} handle ${String(fields['handle'])}`,
      ...{ chain, devices: chain?.devices ?? [], parts: expressions },
      statements: expressions.flatMap((expression) => Object.entries(expression)),
    };
  });
  return { rules, chains, listed };
}

/** Read often, with up to ten thousand rules. */
const readListing = once<object, NftRules>(readNft);
const nothing: object = [];

export function nftRules({ nft }: Pick<HostState, 'nft'>): NftRules {
  const listing = fieldsOf(nft)?.['nftables'];
  return readListing(typeof listing === 'object' && listing !== null ? listing : nothing);
}

/** Rules of nft, and chains whose policy drops. */
export function actingParts(state: Pick<HostState, 'nft'>): readonly (NftRule | NftChain)[] {
  const { rules, chains } = nftRules(state);
  return [...rules, ...[...chains.values()].filter(({ fields }) => fields['policy'] === 'drop')];
}

/** tc-mirred(8). `to` null = no device named. */
export interface TcMove {
  readonly to: string | null;
  /** False: into the device. */
  readonly isOut: boolean;
  readonly fields: Fields;
}

/** A filter of `tc -j filter show`. */
export interface TcFilter {
  readonly fields: Fields;
  readonly device: string;
  /** `ingress`, `egress`, `root` or a parent. */
  readonly place: string;
  /** `vnet0 ingress`. */
  readonly key: string;
  /** What tc(8) calls its place: `dev vnet0 ingress`, `dev vnet0 parent 1:`, `block 7`. */
  readonly words: readonly string[];
  readonly name: string;
  readonly kind: string | null;
  readonly options: Fields;
  /** False: a list's head or u32's table, which takes nothing. */
  readonly isRule: boolean;
  readonly actions: readonly Fields[];
  readonly moves: readonly TcMove[];
}

/** The kernel refuses a shared block's filters by device, and a discipline's by `root` (tc(8)). */
function wordsOfPlace(device: string, place: string, { block, parent }: Fields): readonly string[] {
  if (typeof block === 'number') return ['block', String(block)];
  if (place === 'ingress' || place === 'egress') return ['dev', device, place];
  return ['dev', device, 'parent', place === 'root' ? (textOf(parent) ?? 'root') : place];
}

function readFilter(key: string, fields: Fields): TcFilter {
  const at = key.lastIndexOf(' ');
  const [device, place] = [key.slice(0, at), key.slice(at + 1)];
  const options = fieldsOf(fields['options']);
  const { handle, fh } = options ?? {};
  const number = typeof handle === 'number' ? `0x${handle.toString(16)}` : textOf(fh);
  const moves = [...objectsWithin(fields)].filter(({ kind }) => kind === 'mirred');
  return {
    ...{ fields, key, device, place, kind: textOf(fields['kind']), words: wordsOfPlace(device, place, fields) },
    name: `tc ${key} pref ${String(fields['pref'])}${number === null ? '' : ` handle ${number}`}`,
    options: options ?? {},
    isRule: options !== null && !('ht_divisor' in options),
    actions: objectsOf(options?.['actions']),
    moves: moves.map((move) => ({ fields: move, to: textOf(move['to_dev']), isOut: move['direction'] === 'egress' })),
  };
}

const ofClass = /^([0-9a-f]+:)[0-9a-f]+$/;

/** The kernel lists a discipline's u32 filters at each of its classes too (tc_u_common_ptr, net/sched/cls_u32.c). */
function listedOnce(filters: readonly TcFilter[]): readonly TcFilter[] {
  const listed = new Set<string>();
  return filters.filter(({ device, place, words, kind, fields: { pref }, options: { fh } }) => {
    const [, discipline = words.at(-1)] = ofClass.exec(place) ?? [];
    const key = JSON.stringify([device, discipline, pref, fh]);
    const isAgain = kind === 'u32' && ofClass.test(place) && listed.has(key);
    listed.add(key);
    return !isAgain;
  });
}

const readFilters = once((listing: Fields) =>
  listedOnce(
    Object.entries(listing).flatMap(([key, listed]) => objectsOf(listed).map((fields) => readFilter(key, fields))),
  ),
);

/** tc filters, with heads of lists. */
export function tcFilters({ tc }: Pick<HostState, 'tc'>): readonly TcFilter[] {
  const listing = fieldsOf(fieldsOf(tc)?.['filters']);
  return listing === null ? [] : readFilters(listing);
}

/** tc's copies to other devices, on `ingress` or `egress`. */
export function tcCopies(
  devices: ReadonlySet<string>,
  state: Pick<HostState, 'tc'>,
): readonly { readonly from: string; readonly to: string; readonly place: string }[] {
  return tcFilters(state)
    .filter(({ device }) => devices.has(device))
    .flatMap(({ device: from, place, moves }) =>
      moves.flatMap(({ to, isOut }) => (isOut ? [{ from, to: to ?? '', place }] : [])),
    );
}
