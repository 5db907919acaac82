import { z } from 'zod';

/**
 * Values of a scenario file, as zod schemas. Error texts begin with "expected"; explain-issue.ts adds the value.
 * Patterns and bounds are here, as JSON Schema can express them; other checks are made while the scenario is built.
 * `id` names the value in schema/scenario.v1.json and docs/scenario.md.
 */
export const onOff = z
  .literal([true, false, 'on', 'off', 1, 0], { error: 'expected on or off' })
  .meta({ id: 'switch', description: 'on or off; also true, false, 1, 0' });

export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const nameRule = 'expected a name of 1 to 63 letters, digits, ".", "_" or "-" that begins with a letter or digit';
export const name = z
  .string({ error: nameRule })
  .regex(namePattern, { error: nameRule })
  .meta({ id: 'name', description: '1 to 63 letters, digits, ".", "_" or "-"; begins with a letter or digit' });

const interfaceRule = 'expected an interface name (1 to 15 bytes, no "/", ":" or white space, not "." or "..")';
/** dev_valid_name() of net/core/dev.c; `isInterfaceName` checks length in bytes and white space. */
export const interfaceName = z
  .string({ error: interfaceRule })
  .regex(/^(?!\.{1,2}$)[^/:\s]{1,15}$/u, { error: interfaceRule })
  .meta({ id: 'interface', description: 'an interface name: 1 to 15 bytes without "/", ":" and white space' });

export const words = z
  .string({ error: 'expected text (in quotes if it looks like a number or a switch)' })
  .min(1, { error: 'expected text that is not empty' })
  .max(4000, { error: 'expected at most 4000 characters' })
  .meta({ id: 'text', description: 'text, at most 4000 characters' });
/** One line without control or bidirectional characters, for display. */
export const title = z
  .string({ error: 'expected text (in quotes if it looks like a number or a switch)' })
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u, {
    error: 'expected 1 to 200 characters on one line, without control or bidirectional characters',
  })
  .meta({ id: 'title', description: '1 to 200 characters on one line' });

const macRule = 'expected a MAC address such as 52:54:00:85:20:d1';
export const mac = z
  .string({ error: macRule })
  .regex(/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/, { error: macRule })
  .meta({ id: 'mac', description: 'a MAC address such as 52:54:00:85:20:d1' });

const prefixRule = 'expected an IP address with the length of its prefix, such as 192.168.0.20/24';
export const ipPrefix = z
  .string({ error: prefixRule })
  .regex(/^[0-9A-Fa-f.:]{2,45}\/[0-9]{1,3}$/, { error: prefixRule })
  .meta({ id: 'prefix', description: 'an IP address with its prefix, such as 192.168.0.20/24' });
const addressRule = 'expected an IP address such as 192.168.0.1';
export const ipAddress = z
  .string({ error: addressRule })
  .regex(/^[0-9A-Fa-f.:]{2,45}$/, { error: addressRule })
  .meta({ id: 'address', description: 'an IP address such as 192.168.0.1' });
const groupRule = 'expected a multicast group such as 239.1.1.1, ff0e::1 or 01:00:5e:01:01:01';
export const group = z
  .string({ error: groupRule })
  .regex(/^[0-9A-Fa-f.:]{2,45}$/, { error: groupRule })
  .meta({ id: 'group', description: 'a multicast group: 239.1.1.1, ff0e::1, 01:00:5e:01:01:01' });

const timeRule = 'expected a time with unit such as 30s, 500ms or 2m, or 0';
export const time = z
  .union([z.literal(0), z.string().regex(/^(0|[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h))$/)], { error: timeRule })
  .meta({ id: 'time', description: 'a time with unit: 30s, 500ms, 2m; 0' });

export function wholeNumber(least: number, most: number): z.ZodNumber {
  const rule = `expected a whole number from ${least} to ${most}`;
  return z.number({ error: rule }).int({ error: rule }).min(least, { error: rule }).max(most, { error: rule });
}

export const vid = wholeNumber(1, 4094);
export const vidOrRange = z
  .union([vid, z.string().regex(/^[0-9]{1,4}(-[0-9]{1,4})?$/)], {
    error: 'expected a VLAN number from 1 to 4094 or a range such as "20-29"',
  })
  .meta({ id: 'vlans', description: '1–4094, or a range such as "20-29"' });

/** A setting's value; its own values are known to core/model/settings.ts. */
export const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected a single value' })
  .meta({ id: 'value', description: 'a number, a word or a switch' });

const selectorRule = 'expected a name, a glob such as "g1*", "role:guest", "zone:a", "br1/*" or "!name"';
export const selector = z
  .string({ error: selectorRule })
  .regex(/^[^\p{C}\s]{1,200}$/u, { error: selectorRule })
  .meta({ id: 'selector', description: 'a name, a glob ("g1*"), "role:guest", "zone:a", "br1/*", "!name"' });

/** A value, or a list of at least one. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z.union([item, z.array(item).min(1, { error: 'expected at least one entry' })]);
}
export const selectors = oneOrMany(selector);
/** The same or none: `may_see: []`. */
export const selectorsOrNone = z.union([selector, z.array(selector)]);

export const ports = oneOrMany(interfaceName);
