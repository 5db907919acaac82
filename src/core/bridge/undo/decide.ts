import { setWords } from '../change-commands.js';
import { isSameSetting, settingIn } from '../setting-value.js';
import { decideOvs } from './decide-ovs.js';
import { decideFdb, decideMdb, decideVlan } from './decide-tables.js';
import {
  byIndex,
  changed,
  done,
  findLink,
  isIndexTaken,
  leave,
  linkOf,
  type Present,
  undo,
  type UndoDecision,
  type UndoEntry,
  type UndoOf,
} from './entry.js';

/**
 * Undoes only if indexes and value are the run's. Commands use the index (`if17`: ll_idx_a2n, lib/ll_map.c of
 * iproute2), so that a newcomer of that name is not met.
 */
export function decideUndo(entry: UndoEntry, present: Present): UndoDecision {
  switch (entry.kind) {
    case 'interface':
      return decideInterface(entry, present);
    case 'setting':
      return decideSetting(entry, present);
    case 'sysctl':
      return decideSysctl(entry, present);
    case 'vlan':
      return decideVlan(entry, present);
    case 'fdb':
      return decideFdb(entry, present);
    case 'mdb':
      return decideMdb(entry, present);
    case 'ovs-column':
    case 'ovs-flood':
    case 'ovs-vlan':
    case 'ovs-fdb':
    case 'ovs-mirror':
      return present.ovs === undefined ? leave('Open vSwitch says nothing') : decideOvs(entry, present.ovs);
  }
}

function decideInterface({ name, ifindex }: UndoOf<'interface'>, { links }: Present): UndoDecision {
  const link = linkOf(links, ifindex);
  if (link === undefined) return done;
  if (link['ifname'] !== name) return leave(`the interface ${ifindex} is ${String(link['ifname'])}, not ${name}`);
  if (isIndexTaken(links, ifindex)) return leave(`another interface is called ${byIndex(ifindex)}`);
  return undo(['ip', 'link', 'del', 'dev', byIndex(ifindex)]);
}

function decideSetting({ on, place, key, set, was }: UndoOf<'setting'>, { links }: Present): UndoDecision {
  const link = findLink(on, links);
  if ('kind' in link) return link;
  const now = settingIn([linkOf(links, on.ifindex)], place, key);
  if (now === undefined) return leave(`the kernel no longer reports ${key} of ${link.name}`);
  if (isSameSetting(place, key, now, was)) return done;
  if (!isSameSetting(place, key, now, set)) return changed(`${key} of ${link.name}`, String(now), String(set));
  return undo(['ip', 'link', 'set', 'dev', byIndex(on.ifindex), ...setWords({ place, key, value: was })]);
}

/** The name is an interface's, which must be unchanged right before. */
function decideSysctl({ on, name, set, was }: UndoOf<'sysctl'>, { links, sysctl }: Present): UndoDecision {
  if (on !== null) {
    const link = findLink(on, links);
    if ('kind' in link) return link;
    if (link.name !== on.name) return leave(`${on.name} is called ${link.name} by now`);
  }
  if (sysctl === undefined || sysctl === was) return done;
  if (sysctl !== set) return changed(name, sysctl, set);
  return undo(['sysctl', '-w', `${name}=${was}`]);
}
