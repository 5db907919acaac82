import type { ChangeOf } from '../../core/model/fabric.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { mustRun } from '../process/programs.js';
import { numbersFrom } from '../../core/text/collections.js';

type VlanChange = ChangeOf<'vlan'>;

/** A port's VLAN columns (ovs-vswitchd.conf.db(5), Port) in ovs-vsctl's form: `10`, `[10, 20]`, `[]`. */
export interface OvsVlanColumns {
  readonly tag: string;
  readonly trunks: string;
  readonly mode: string;
}

/** A port's present columns. Rejects with VerifyError if Open vSwitch has no such port. */
export async function ovsVlanColumns(port: string): Promise<OvsVlanColumns> {
  const [tag = '', trunks = '', mode = ''] = (
    await mustRun(['ovs-vsctl', 'get', 'Port', port, 'tag', 'trunks', 'vlan_mode'])
  ).split('\n');
  return { tag, trunks, mode };
}

export function vlanNumbers(column: string): readonly number[] {
  return (column.match(/\d+/g) ?? []).map(Number);
}

function carried({ tag, trunks, mode }: OvsVlanColumns): {
  readonly native: number | null;
  readonly untagged: boolean;
  readonly others: readonly number[] | null;
} {
  const [access = null] = vlanNumbers(tag);
  const byTag = access === null ? 'trunk' : 'access';
  const kind = mode === '[]' ? byTag : mode.replaceAll('"', '');
  const listed = vlanNumbers(trunks);
  const carried = listed.length === 0 ? null : listed;
  return {
    native: kind === 'trunk' ? null : (access ?? 0),
    untagged: kind !== 'native-tagged',
    others: ['access', 'dot1q-tunnel'].includes(kind) ? [] : carried,
  };
}

/** Throws VerifyError (69) for removing a port's last VLANs: it would then carry all. */
export function refuseOpening({ act, entry: { port, first, last } }: VlanChange, now: OvsVlanColumns): void {
  if (act === 'add') return;
  const remaining = (column: string): string =>
    `[${vlanNumbers(column)
      .filter((vid) => vid < first || vid > last)
      .join(', ')}]`;
  if (carried({ tag: remaining(now.tag), trunks: remaining(now.trunks), mode: now.mode }).others !== null) return;
  throw new VerifyError(
    'unsupported',
    69,
    `without ${vlanText(first, last)} ${port} would carry every VLAN: Open vSwitch takes a port without tag and trunks for a trunk of all`,
    `give it another first: \`set: { ${port}: { tag: 10 } }\``,
  );
}

/** Gives what it found. Throws VerifyError `read-back` (3) if it differs. */
export function checkOvsVlan(
  { act, entry: { port, first, last, pvid, untagged } }: VlanChange,
  columns: OvsVlanColumns,
): string {
  const { native, untagged: isUntagged, others } = carried(columns);
  const has = (vid: number): boolean => vid === native || others === null || others.includes(vid);
  const range = numbersFrom(first, last);
  const flags = (isNative: boolean, goesUntagged: boolean): string =>
    `${isNative ? ' pvid' : ''}${goesUntagged ? ' untagged' : ''}`;
  const isAbsent = act === 'del' ? !range.some(has) : !range.every(has);
  const wanted = act === 'del' ? 'absent' : `present${flags(pvid, untagged)}`;
  const now = isAbsent
    ? 'absent'
    : `present${flags(
        range.some((vid) => vid === native),
        isUntagged && range.some((vid) => vid === native),
      )}`;
  if (wanted === now) return `${vlanText(first, last)} on ${port}: ${now}`;
  throw new VerifyError(
    'read-back',
    3,
    `${vlanText(first, last)} on ${port} should be ${wanted} but with tag=${columns.tag} trunks=${columns.trunks} vlan_mode=${columns.mode} it is ${now}`,
    `a port with a tag and no vlan_mode is an access port, whose trunks count for nothing: \`set: { ${port}: { vlan_mode: native-untagged } }\` makes them count`,
  );
}

function vlanText(first: number, last: number): string {
  return `VLAN ${first === last ? first : `${first}-${last}`}`;
}
