import { z } from 'zod';
import type { SettingPlace } from '../../model/settings.js';
import { ovsColumnKind, ovsColumns } from '../ovs-settings.js';
import { settingsOfPlace } from '../attributes.js';

const linkSettingKeys = (place: SettingPlace): ReadonlySet<string> =>
  new Set(settingsOfPlace(place).map(({ key }) => key));
const keys = { bridge: linkSettingKeys('bridge'), port: linkSettingKeys('port'), link: linkSettingKeys('link') };

/** dev_valid_name, net/core/dev.c, without names that look like options or paths. */
const name = z
  .string()
  .min(1)
  .max(15)
  .refine((text) => !/[/\s:]/.test(text) && !text.startsWith('-'));
const ifindex = z.int().min(1).max(0x7fff_ffff);
/**
 * Names are reused, indexes on request (`ip link add … index`). `master` 0 = none. `identity`: unique while the kernel
 * runs, absent = not known.
 */
const link = z.strictObject({
  name: z.string().min(1).max(15),
  ifindex,
  master: z.int().min(0).max(0x7fff_ffff),
  identity: z
    .string()
    .regex(/^\d{1,20}$/)
    .exactOptional(),
});
/** A `_uuid` is never used again, a name is. */
const row = z.strictObject({
  uuid: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  name: z.string().min(1).max(255),
});
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
const vid = z.int().min(0).max(4095);
const value = z.union([z.string().max(255), z.number(), z.boolean()]);
const line = z
  .string()
  .max(4096)
  .refine((text) => !/[\n\0]/.test(text));
const group = z.string().regex(/^[0-9a-f.:]{2,45}$/);
/** null = none. */
const form = z.strictObject({ state: z.enum(['static', 'permanent', 'dynamic']), sticky: z.boolean() }).nullable();
const fdbRow = z.strictObject({ vlan: vid.nullable(), set: form, was: form });
const member = z.enum(['permanent', 'temp']).nullable();
const columns = z.strictObject({ tag: line, trunks: line });
const flood = z.enum(['on', 'off']);
const ranges = z
  .array(
    z
      .strictObject({ first: vid, last: vid, pvid: z.boolean(), untagged: z.boolean() })
      .refine(({ first, last }) => first <= last),
  )
  .max(4096);

function isOvsKey(table: 'Bridge' | 'Port', key: string): boolean {
  const [column = '', inner] = key.split(/:(.*)/s);
  const known: readonly string[] = ovsColumns[table === 'Bridge' ? 'bridge' : 'port'];
  if (!known.includes(column)) return false;
  return ovsColumnKind(column) === 'map' ? inner !== undefined && /^[^\s=,"]{1,64}$/.test(inner) : inner === undefined;
}

/** A closed set of kinds with values. decide.ts derives the commands. */
const entry = z.discriminatedUnion('kind', [
  // the run made the interface itself, under an index that it chose
  z.strictObject({ kind: z.literal('interface'), name, ifindex }),
  z
    .strictObject({
      kind: z.literal('setting'),
      on: link,
      place: z.enum(['bridge', 'port', 'link']),
      key: z.string(),
      set: value,
      was: value,
    })
    .refine(({ place, key }) => keys[place].has(key)),
  // `on`: the interface that its name names; null = it names none
  z.strictObject({
    kind: z.literal('sysctl'),
    on: link.nullable(),
    name: z
      .string()
      .max(255)
      .regex(/^net\.[^\s=]+$/)
      .refine((text) => !text.includes('..')),
    set: line,
    was: line,
  }),
  // of VLANs that stand in neither list nothing was changed
  z.strictObject({ kind: z.literal('vlan'), on: link, self: z.boolean(), set: ranges, was: ranges }),
  z.strictObject({
    kind: z.literal('fdb'),
    on: link,
    self: z.boolean(),
    mac,
    rows: z.array(fdbRow).max(4096),
  }),
  z.strictObject({
    kind: z.literal('mdb'),
    on: link,
    bridge: link,
    group,
    vlan: vid.nullable(),
    set: member,
    was: member,
  }),
  // a column, or one key of a map (COLUMN:KEY); '' = the map has no such key
  z
    .strictObject({
      kind: z.literal('ovs-column'),
      table: z.enum(['Bridge', 'Port']),
      on: row,
      key: z.string(),
      set: line,
      was: line,
    })
    .refine(({ table, key }) => isOvsKey(table, key)),
  z.strictObject({ kind: z.literal('ovs-flood'), on: row, bridge: row, set: flood, was: flood }),
  z.strictObject({ kind: z.literal('ovs-vlan'), on: row, set: columns, was: columns }),
  // the port on which an entry by hand is: a bridge has one for each MAC and VLAN
  z.strictObject({
    kind: z.literal('ovs-fdb'),
    bridge: row,
    mac,
    vlan: vid,
    set: row.nullable(),
    was: row.nullable(),
  }),
  // the mirror carries the run's id (external_ids)
  z.strictObject({
    kind: z.literal('ovs-mirror'),
    bridge: row,
    mirror: line,
    runId: z.string().regex(/^[\w-]{1,64}$/),
  }),
]);

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

export type UndoEntry = Frozen<z.infer<typeof entry>>;
export type HeldLink = Frozen<z.infer<typeof link>>;
export type OvsRow = Frozen<z.infer<typeof row>>;
export type FdbForm = Frozen<NonNullable<z.infer<typeof form>>>;
export type FdbRow = Frozen<z.infer<typeof fdbRow>>;

/** A journal's line. null = not of this version. */
export function parseUndoEntry(json: unknown): UndoEntry | null {
  const { success, data } = entry.safeParse(json);
  return success ? data : null;
}
