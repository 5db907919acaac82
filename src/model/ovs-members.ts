/** The members of a column of Open vSwitch's database: a set prints as ["set", […]], one member alone as itself (RFC 7047 5.1). */
export function membersOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1]) ? value[1] : [value];
}
