// Values of columns of Open vSwitch's database, as `ovs-vsctl --format=json` prints them (RFC 7047 5.1).

/** The members of a set: ["set", […]]; one member alone prints as itself. */
export function membersOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1]) ? value[1] : [value];
}

/** What a map, ["map", [[key, value], …]], has for a key; undefined = nothing. */
export function valueIn(map: unknown, key: string): unknown {
  const pairs: readonly unknown[] = Array.isArray(map) && map[0] === 'map' && Array.isArray(map[1]) ? map[1] : [];
  const pair = pairs.find((one) => Array.isArray(one) && one[0] === key);
  return Array.isArray(pair) ? pair[1] : undefined;
}

/** What a reference names: ["uuid", text]; '' = it is none. */
export function uuidOf(value: unknown): string {
  return Array.isArray(value) && value[0] === 'uuid' ? String(value[1]) : '';
}
