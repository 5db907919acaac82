import type { LegacyCopy, LegacyTable } from '../../../core/model/state.js';

type IpProgram = Exclude<LegacyTable['program'], 'ebtables-legacy'>;

/** Offsets in struct ipt_entry and ip6t_entry. */
interface EntryLayout {
  readonly address: 4 | 16;
  readonly devices: number;
  readonly protocol: number;
  readonly inverted: number;
  readonly target: number;
  readonly matches: number;
}

const layouts: Readonly<Record<IpProgram, EntryLayout>> = {
  'iptables-legacy': { address: 4, devices: 16, protocol: 80, inverted: 83, target: 88, matches: 112 },
  'ip6tables-legacy': { address: 16, devices: 64, protocol: 128, inverted: 132, target: 140, matches: 168 },
};
/** In struct ipt_getinfo's order. */
const hookNames = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
const [validHooksAt, hooksAt] = [32, 36];
/** IPT_INV_… of linux/netfilter_ipv4/ip_tables.h; IPv6 has the same. */
const inversions = { in: 1, out: 2, source: 8, destination: 16, protocol: 64 } as const;
const [deviceLength, headLength] = [16, 32];
/** struct xt_entry_target. */
const [nameAt, nameLength] = [2, 29];

function textAt(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16)).join(':');
}

function addressOption(option: string, address: Buffer, mask: Buffer): readonly string[] {
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.replace(/0+$/, '').length;
  if (length === 0) return [];
  const text = bits.slice(0, length).includes('0') ? addressText(mask) : String(length);
  return [`${option} ${addressText(address)}/${text}`];
}

function portOptions(data: Buffer, inverted: number): readonly string[] {
  return (['--sport', '--dport'] as const).flatMap((option, side) => {
    const [first, last] = [data.readUInt16LE(4 * side), data.readUInt16LE(4 * side + 2)];
    if (first === 0 && last === 0xffff) return [];
    return [`${(inverted & (1 << side)) === 0 ? '' : '! '}${option} ${first}:${last}`];
  });
}

/** struct xt_tcp, xt_udp, xt_mac_info. */
function matchOptions(name: string, data: Buffer): readonly string[] {
  if (name === 'udp' && data.length >= 9) return portOptions(data, data[8] ?? 0);
  if (name === 'mac' && data.length >= 12) {
    const mac = [...data.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    return [`${data.readUInt32LE(8) === 0 ? '' : '! '}--mac-source ${mac}`];
  }
  if (name !== 'tcp' || data.length < 12 || data[8] !== 0) return [`-m ${name}`];
  const [, mask = 0, bits = 0, inverted = 0] = data.subarray(8);
  const flags = mask === 0 ? [] : [`${(inverted & 4) === 0 ? '' : '! '}--tcp-flags ${mask} ${bits}`];
  return [...portOptions(data, inverted), ...flags];
}

function optionsOfEntry(entry: Buffer, targetAt: number, layout: EntryLayout): readonly string[] {
  const { address, devices, protocol, inverted, matches } = layout;
  const isInverted = (what: keyof typeof inversions): string =>
    ((entry[inverted] ?? 0) & inversions[what]) === 0 ? '' : '! ';
  const part = (at: number): Buffer => entry.subarray(at * address, (at + 1) * address);
  const device = (option: string, what: 'in' | 'out', at: number): readonly string[] => {
    const name = textAt(entry, devices + at * deviceLength, deviceLength);
    // A mask that ends before the name does takes all with that beginning
    const isWhole = (entry[devices + (at + 2) * deviceLength + name.length] ?? 0) !== 0;
    return name === '' ? [] : [`${isInverted(what)}${option} ${isWhole ? name : name.replace(/\+?$/, '+')}`];
  };
  const number = entry.readUInt16LE(protocol);
  const options = [
    // IPT_F_FRAG precedes IPv4's inversions
    ...(address === 4 && ((entry[inverted - 1] ?? 0) & 1) !== 0 ? ['-f'] : []),
    ...(number === 0 ? [] : [`${isInverted('protocol')}-p ${number}`]),
    ...addressOption(`${isInverted('source')}-s`, part(0), part(2)),
    ...addressOption(`${isInverted('destination')}-d`, part(1), part(3)),
    ...device('-i', 'in', 0),
    ...device('-o', 'out', 1),
  ];
  for (let at = matches; at + headLength <= targetAt; ) {
    const size = entry.readUInt16LE(at);
    if (size < headLength) break;
    options.push(...matchOptions(textAt(entry, at + nameAt, nameLength), entry.subarray(at + headLength, at + size)));
    at += size;
  }
  return options;
}

/** A table's rules with target TEE. `head`: its struct ipt_getinfo. */
export function copiesOfEntries(entries: Buffer, head: Buffer, program: IpProgram): readonly LegacyCopy[] {
  const layout = layouts[program];
  const targetOffsetAt = layout.target;
  const copies: LegacyCopy[] = [];
  let [chain, number] = ['', 0];
  for (let at = 0; at + targetOffsetAt + 4 <= entries.length; ) {
    const hook = hookNames.findIndex(
      (_, bit) => (head.readUInt32LE(validHooksAt) & (1 << bit)) !== 0 && head.readUInt32LE(hooksAt + 4 * bit) === at,
    );
    if (hook >= 0) [chain, number] = [hookNames[hook] ?? '', 0];
    const [targetAt, next] = [entries.readUInt16LE(at + targetOffsetAt), entries.readUInt16LE(at + targetOffsetAt + 2)];
    if (next === 0 || at + next > entries.length) break;
    const entry = entries.subarray(at, at + next);
    const [target, data] = [textAt(entry, targetAt + nameAt, nameLength), entry.subarray(targetAt + headLength)];
    if (target === 'ERROR') [chain, number] = [textAt(data, 0, 30), 0];
    else number += 1;
    if (target === 'TEE')
      copies.push({
        chain,
        number,
        matches: optionsOfEntry(entry, targetAt, layout),
        gateway: addressText(data.subarray(0, layout.address)),
      });
    at += next;
  }
  return copies;
}
