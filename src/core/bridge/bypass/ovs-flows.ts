export interface OvsFlow {
  readonly table: number;
  readonly priority: number;
  /** null = no value, as in `tcp`. */
  readonly match: readonly (readonly [key: string, value: string | null])[];
  readonly actions: readonly string[];
  readonly hasCookie: boolean;
  /** `ovs-ofctl dump-flows`, with its cookie. */
  readonly text: string;
}

export function splitActions(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of text) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += letter;
  }
  return [...parts, part].map((each) => each.trim()).filter((each) => each !== '');
}

/** ovs-ofctl(8), Flow Syntax. */
const nonMatchField =
  /^(?:|(?:cookie|table|priority)=.*|(?:idle|hard)_timeout=.*|importance=.*|send_flow_rem|check_overlap|reset_counts|no_.*_counts)$/;

/** The text before a flow's actions. */
export function matchText(flow: string): string {
  return flow.replace(/,? ?actions=.*$/s, '');
}

export function matchFields(flow: string): readonly string[] {
  return matchText(flow)
    .split(/[, ]+/)
    .filter((field) => !nonMatchField.test(field));
}

function numberIn(flow: string, key: string, usual: number): number {
  return Number(new RegExp(`(?:^|[, ])${key}=(\\d+)`).exec(matchText(flow))?.[1] ?? usual);
}

/** Parses a flow of ovs-ofctl(8), with default priority 32768. */
export function parseFlow(text: string, cookie = ''): OvsFlow {
  return {
    table: numberIn(text, 'table', 0),
    priority: numberIn(text, 'priority', 32_768),
    match: matchFields(text).map((field) => {
      const at = field.indexOf('=');
      return at < 0 ? [field, null] : [field.slice(0, at), field.slice(at + 1).replaceAll('"', '')];
    }),
    actions: splitActions(/\bactions=(.*)$/s.exec(text)?.[1] ?? ''),
    hasCookie: cookie !== '',
    text: cookie === '' ? text : `cookie=${cookie}, ${text}`,
  };
}

/** The text in parentheses. */
export function argumentsOf(action: string): string {
  return /^[^(]*\((.*)\)[^)]*$/s.exec(action)?.[1] ?? '';
}

/** Actions of buckets, from `ovs-ofctl dump-groups`. null = not known. */
export function bucketsOf(groups: readonly string[], id: string): readonly (readonly string[])[] | null {
  const group = groups.find((each) => /\bgroup_id=(\d+)\b/.exec(each)?.[1] === id);
  if (group === undefined) return null;
  const [, ...buckets] = group.split(/,bucket=/);
  return buckets.map((bucket) => splitActions(/\bactions=(.*)$/s.exec(bucket)?.[1] ?? ''));
}

/** ovs-fields(7): `NXM_NX_REG10[12]` and `reg10` are `reg10`. */
function fieldName(field: string): string {
  const name = field
    .replace(/\[.*$/s, '')
    .replace(/^(?:NXM|OXM|ERICOXM)_(?:OF|NX|OVS)_/i, '')
    .toLowerCase();
  return { dl_dst: 'eth_dst', dl_src: 'eth_src' }[name] ?? name;
}

/** A register's 32-bit parts (ovs-fields(7), Registers). Empty = none. */
export function registersOf(name: string): readonly string[] {
  const known = registers.get(name) ?? registersIn(name);
  registers.set(name, known);
  return known;
}

const registers = new Map<string, readonly string[]>();

function registersIn(name: string): readonly string[] {
  if (name === 'metadata') return [name];
  const [, wide = '', number = ''] = /^(x{0,2}reg|pkt_reg)(\d+)$/.exec(name) ?? [];
  const width = { reg: 1, xreg: 2, pkt_reg: 2, xxreg: 4 }[wide] ?? 0;
  return Array.from({ length: width }, (_, at) => `reg${Number(number) * width + at}`);
}

export function fitsNumber(known: bigint, wanted: string): boolean {
  const [value = '0', mask = ''] = wanted.split('/');
  try {
    const bits = mask === '' ? (1n << 128n) - 1n : BigInt(mask);
    return (known & bits) === (BigInt(value) & bits);
  } catch {
    return true; // not a number as it is printed here: it may fit
  }
}

export interface WrittenField {
  readonly field: string;
  /** null = not known. */
  readonly value: bigint | null;
  /** False = some bits. */
  readonly isWhole: boolean;
}

const unknownIn = (field: string | undefined): WrittenField | null =>
  field === undefined ? null : { field: fieldName(field), value: null, isWhole: false };

function writtenIn(field: string, value: string): WrittenField {
  return { field: fieldName(field), value: numberOf(value), isWhole: !value.includes('/') && !/\[.+\]/.test(field) };
}

/** The written field (ovs-actions(7)). null = not understood. */
export function writtenBy(action: string): WrittenField | null {
  const [name = '', rest = ''] = action.split(/[:(](.*)$/s);
  const [from = '', to = ''] = rest.split('->');
  switch (name) {
    case 'mod_dl_dst':
      return unknownIn('eth_dst');
    case 'write_metadata':
      return writtenIn('metadata', rest);
    case 'load':
    case 'set_field':
      return to === '' ? null : writtenIn(to, from);
    case 'pop':
    case 'delete_field':
      return unknownIn(rest);
    // its last argument is a field
    case 'multipath':
    case 'bundle_load':
      return unknownIn(splitActions(argumentsOf(action)).findLast((part) => /^(?:NXM|OXM|x{0,2}reg\d)/i.test(part)));
    default:
      return unknownIn(to === '' ? undefined : to);
  }
}

function numberOf(text: string): bigint | null {
  try {
    return text.includes('/') ? null : BigInt(text);
  } catch {
    return null;
  }
}

/** Output ports of an action, by name or number; null = no output, or by a register. */
export function outputPorts(action: string): readonly string[] | null {
  const [, single] =
    /^(?:(?:output|enqueue):"?([^:"[\]]+)"?(?::.*)?|(?:output|enqueue)\((?:port=)?"?([^,")[\]]+)"?.*\))$/
      .exec(action)
      ?.filter((part, at) => at === 0 || part !== undefined) ?? [];
  if (single !== undefined) return [single];
  const members = /^bundle\(.*(?:members|slaves):(.*)$/.exec(action)?.[1];
  if (members !== undefined) return members.replace(/\)$/, '').replaceAll('"', '').split(',');
  return /^(?:\d+|local|"[^"]+")$/i.test(action) ? [action.replaceAll('"', '')] : null;
}

const tagFields = /^(?:vlan_tci|vlan_vid)$/;

function learnedLoads(parts: readonly string[]): readonly (readonly [field: string, value: string])[] {
  return parts.flatMap((part) => {
    const [, value = '', field = ''] = /^load:(.*)->(.*)$/i.exec(part) ?? [];
    return field === '' ? [] : [[fieldName(field), value] as const];
  });
}

/** True if `learn` makes flows that forward like a MAC table, or output nothing (ovs-actions(7)). */
export function isMacLearning(action: string): boolean {
  const parts = splitActions(argumentsOf(action)).map((part) => part.toLowerCase());
  const outputs = parts.filter((part) => part.startsWith('output:'));
  const isOfMac = parts.some((part) =>
    /^(?:nxm_of_|oxm_of_)?eth_dst(?:\[\])?=(?:nxm_of_|oxm_of_)?eth_src(?:\[\])?$/.test(part),
  );
  return (
    outputs.every((part) => isOfMac && /^output:(?:nxm_of_|oxm_of_)?in_port(?:\[\])?$/.test(part)) &&
    learnedLoads(parts).every(
      ([field, value]) =>
        outputs.length > 0 && (field.startsWith('tun_') || (tagFields.test(field) && /^(?:0x)?0+$/.test(value))),
    ) &&
    !parts.some((part) => part.startsWith('result_dst='))
  );
}

/** Actions, with `clone`, `write_actions` and group buckets expanded. */
export function leafActions(
  actions: readonly string[],
  groups: readonly string[],
  seen = new Set<string>(),
): readonly string[] {
  return actions.flatMap((action): readonly string[] => {
    if (/^(?:clone|write_actions)\(/.test(action)) return leafActions(splitActions(argumentsOf(action)), groups, seen);
    if (!action.startsWith('group:')) return [action];
    if (seen.has(action)) return [];
    seen.add(action);
    return (bucketsOf(groups, action.slice('group:'.length)) ?? []).flatMap((each) => leafActions(each, groups, seen));
  });
}

/** Registers of a complete move (ovs-actions(7), move). null = another action. */
export function wholeMove(action: string): { readonly from: string; readonly to: string } | null {
  const [, source = '', target = ''] = /^move:([^-[]+)\[\]->([^-[]+)\[\]$/.exec(action) ?? [];
  const [[from, ...wider], [to, ...more]] = [registersOf(fieldName(source)), registersOf(fieldName(target))];
  return from === undefined || to === undefined || wider.length + more.length > 0 ? null : { from, to };
}

const notOfFrame =
  /^(?:in_port|dl_dst|metadata|x{0,2}reg\d+|ct_\w+|tun_\w+|tunnel\w*|recirc_id|conj_id|pkt_mark|actset_output|packet_type|skb_priority|eth)$/;
/** RFC 9293 3.1. */
const tcpFlags: Readonly<Record<string, number>> = {
  fin: 1,
  syn: 2,
  rst: 4,
  psh: 8,
  ack: 16,
  urg: 32,
  ece: 64,
  cwr: 128,
};

function memberValue(key: string, value: string): string {
  const [exact = ''] = value.split('/');
  if (key !== 'tcp_flags' || !/[+-]/.test(exact)) return exact;
  return String([...exact.matchAll(/\+(\w+)/g)].reduce((sum, [, flag = '']) => sum | (tcpFlags[flag] ?? 0), 0));
}

/** Fields of a frame that matches a path, for `ofproto/trace`, which takes no masks. The last flow wins. */
export function memberFields(path: readonly OvsFlow[]): readonly string[] {
  const fields = new Map<string, string>();
  let protocol: string | null = null;
  for (const [key, value] of path.flatMap(({ match }) => match)) {
    if (notOfFrame.test(key)) continue;
    if (value !== null) fields.set(key, `${key}=${memberValue(key, value)}`);
    else if (!['ip', 'ipv6'].includes(key) || protocol === null) protocol = key;
  }
  return [...(protocol === null ? [] : [protocol]), ...fields.values()];
}

/** An entering frame; null = not known. */
export interface SwitchedFrame {
  /** Name and number. */
  readonly inPort: readonly string[];
  readonly srcMac: string | null;
  readonly dstMac: string | null;
  readonly etherType: number | null;
  /** Above IP, with ports. null = none or not known. */
  readonly protocol: number | null;
  readonly srcPort: number | null;
  readonly dstPort: number | null;
  /** The outermost tag. null = none. */
  readonly vlan: number | null;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
}

type Matched = 'yes' | 'no' | 'maybe';

/** ovs-fields(7). */
const protocols: Readonly<Record<string, readonly [etherType: number, protocol: number | null]>> = {
  ...{ ip: [0x0800, null], icmp: [0x0800, 1], tcp: [0x0800, 6], udp: [0x0800, 17], sctp: [0x0800, 132] },
  ...{ ipv6: [0x86dd, null], icmp6: [0x86dd, 58], tcp6: [0x86dd, 6], udp6: [0x86dd, 17], sctp6: [0x86dd, 132] },
  ...{ arp: [0x0806, null], rarp: [0x8035, null] },
};
const ofPorts = /^(?:tp|tcp|udp|sctp)_(src|dst)$/;

function matchedIf(isEqual: boolean): Matched {
  return isEqual ? 'yes' : 'no';
}

function valueOf(key: string, frame: SwitchedFrame): string | number | null | undefined {
  const { srcMac, dstMac, etherType, vlan, srcIp, dstIp } = frame;
  const end = ofPorts.exec(key)?.[1];
  if (end !== undefined) return end === 'src' ? frame.srcPort : frame.dstPort;
  const values: Readonly<Record<string, string | number | null>> = {
    ...{ dl_src: srcMac, dl_dst: dstMac, dl_type: etherType, dl_vlan: vlan ?? -1, nw_proto: frame.protocol },
    ...{ nw_src: srcIp, nw_dst: dstIp, ipv6_src: srcIp, ipv6_dst: dstIp },
  };
  return values[key];
}

function protocolMatches([wanted, above]: readonly [number, number | null], frame: SwitchedFrame): Matched {
  const { etherType, protocol } = frame;
  if (etherType === null) return 'maybe';
  if (etherType !== wanted) return 'no';
  if (above === null) return 'yes';
  return protocol === null ? 'maybe' : matchedIf(protocol === above);
}

function fieldMatches(field: string, frame: SwitchedFrame): Matched {
  const [key = '', text = ''] = field.split('=');
  const protocol = protocols[key];
  if (protocol !== undefined) return protocolMatches(protocol, frame);
  const wanted = text.replaceAll('"', '');
  if (key === 'in_port') return frame.inPort.length === 0 ? 'maybe' : matchedIf(frame.inPort.includes(wanted));
  const known = valueOf(key, frame);
  if (known === undefined || known === null || wanted.includes('/')) return 'maybe';
  return matchedIf(known === (typeof known === 'number' ? Number(wanted) : wanted));
}

function flowMatches(flow: string, frame: SwitchedFrame): Matched {
  const matched = matchFields(flow).map((field) => fieldMatches(field, frame));
  if (matched.includes('no')) return 'no';
  return matched.includes('maybe') ? 'maybe' : 'yes';
}

/** True if a match allows the frame and no higher priority is sure to take it (ovs-fields(7)). */
export function isMet(flow: string, flows: readonly string[], frame: SwitchedFrame): boolean {
  const [table, priority] = [numberIn(flow, 'table', 0), numberIn(flow, 'priority', 32_768)];
  return (
    flowMatches(flow, frame) !== 'no' &&
    !flows.some(
      (before) =>
        numberIn(before, 'table', 0) === table &&
        numberIn(before, 'priority', 32_768) > priority &&
        flowMatches(before, frame) === 'yes',
    )
  );
}

const belowIp = /^(?:dl_(?:dst|src|vlan)|vlan_tci|vlan_vid|in_port|metadata|tun_id|x{0,2}reg\d+)$/;

/** True if a `learn` of these flows makes this flow as a MAC table. */
export function isLearnedFlow(text: string, flows: readonly string[]): boolean {
  const { table, match, actions } = parseFlow(text);
  const isOfMac = match.some(([key, value]) => key === 'dl_dst' && /^[\da-f]{2}(?::[\da-f]{2}){5}$/i.test(value ?? ''));
  const [outputs, writes] = [actions.filter((each) => outputPorts(each) !== null), actions.filter(writtenBy)];
  if (!isOfMac || outputs.length > 1 || outputs.length + writes.length < actions.length) return false;
  if (!match.every(([key]) => belowIp.test(key))) return false;
  return flows
    .flatMap((flow) => leafActions(parseFlow(flow).actions, []))
    .filter((action) => action.startsWith('learn(') && isMacLearning(action))
    .some((action) => {
      const fields = new Set(learnedLoads(splitActions(argumentsOf(action))).map(([field]) => field));
      return (
        Number(/\btable=(\d+)/.exec(action)?.[1] ?? 0) === table &&
        writes.every((write) => fields.has(writtenBy(write)?.field ?? ''))
      );
    });
}
