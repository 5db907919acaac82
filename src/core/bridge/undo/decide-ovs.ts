import { changed, done, leave, type OvsPresent, type OvsRow, undo, type UndoDecision, type UndoOf } from './entry.js';

/** One spelling for `10,20`, `[10, 20]` and `["10", "20"]`. */
export function ovsMembers(text: string): string {
  return text
    .replaceAll(/["[\]{}\s]/g, '')
    .split(',')
    .sort()
    .join();
}

export function ovsVlanText({ tag, trunks }: { readonly tag: string; readonly trunks: string }): string {
  return `tag=${ovsMembers(tag)} trunks=${ovsMembers(trunks)}`;
}

type OvsUndo = UndoOf<'ovs-column' | 'ovs-flood' | 'ovs-vlan' | 'ovs-fdb' | 'ovs-mirror'>;

/** As decide.ts, of Open vSwitch: rows are found by their `_uuid`. */
export function decideOvs(entry: OvsUndo, present: OvsPresent): UndoDecision {
  switch (entry.kind) {
    case 'ovs-column':
      return decideColumn(entry, present);
    case 'ovs-flood':
      return decideFlood(entry, present);
    case 'ovs-vlan':
      return decideColumns(entry, present);
    case 'ovs-fdb':
      return decideHandEntry(entry, present);
    case 'ovs-mirror':
      return decideMirror(entry, present);
  }
}

function decideColumn({ table, on, key, set, was }: UndoOf<'ovs-column'>, present: OvsPresent): UndoDecision {
  if (present.on === null) return done;
  const [now, asSet, asBefore] = [present.value, set, was].map(ovsMembers);
  if (now === asBefore) return done;
  if (now !== asSet) return changed(`${key} of ${present.on}`, present.value, set);
  const [column = '', inner] = key.split(/:(.*)/s);
  return was === '' && inner !== undefined
    ? undo(['ovs-vsctl', 'remove', table, on.uuid, column, inner])
    : undo(['ovs-vsctl', 'set', table, on.uuid, `${key}=${was}`]);
}

function decideFlood({ set, was }: UndoOf<'ovs-flood'>, { on, bridge, value, handle }: OvsPresent): UndoDecision {
  if (on === null || bridge === null || value === was) return done;
  if (value !== set) return changed(`flood of ${on}`, value, set);
  // A name that begins with - would be an option
  return undo(['ovs-ofctl', '--', 'mod-port', bridge, handle, was === 'on' ? 'flood' : 'no-flood']);
}

function decideColumns({ on, set, was }: UndoOf<'ovs-vlan'>, present: OvsPresent): UndoDecision {
  if (present.on === null || present.value === ovsVlanText(was)) return done;
  if (present.value !== ovsVlanText(set)) return changed(`the VLANs of ${present.on}`, present.value, ovsVlanText(set));
  return undo(['ovs-vsctl', 'set', 'Port', on.uuid, `tag=${was.tag}`, `trunks=${was.trunks}`]);
}

function decideMirror({ bridge }: UndoOf<'ovs-mirror'>, present: OvsPresent): UndoDecision {
  if (present.bridge === null || present.handle === '') return done;
  const selection = ['clear', 'Mirror', present.handle, 'select_src_port', 'select_dst_port', 'select_vlan'];
  // Flows that are cached go on being mirrored where it is taken away while it still selects something.
  return undo(
    ['ovs-vsctl', 'set', 'Mirror', present.handle, 'select_all=false', '--', ...selection],
    ['ovs-vsctl', 'remove', 'Bridge', bridge.uuid, 'mirrors', present.handle],
  );
}

function decideHandEntry({ mac, vlan, set, was }: UndoOf<'ovs-fdb'>, present: OvsPresent): UndoDecision {
  if (present.bridge === null) return done;
  const [now, asSet, asBefore]: readonly string[] = [present.value, uuidIn(set), uuidIn(was)];
  if (now === asBefore) return done;
  const what = `the entry of ${mac} in VLAN ${vlan} of ${present.bridge}`;
  // Open vSwitch forgets entries of a port whose VLANs change: nobody else has put anything in its place.
  if (now !== asSet && now !== '') return leave(`${what} is on another port by now`);
  if (was !== null && present.wasOn === null) return leave(`${what} cannot go back to ${was.name}, which is gone`);
  return was === null
    ? undo(['ovs-appctl', 'fdb/del', present.bridge, String(vlan), mac])
    : undo(['ovs-appctl', 'fdb/add', present.bridge, present.wasOn ?? '', String(vlan), mac]);
}

function uuidIn(row: OvsRow | null): string {
  return row === null ? '' : row.uuid;
}
