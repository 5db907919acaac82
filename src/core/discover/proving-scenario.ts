import type { ProbeClassName } from '../model/scenario.js';
import { classes, disruptiveClasses } from '../probe/classes.js';
import type { FoundScenario } from './found-scenario.js';

/** Guests that send, at most: others of their kind behave alike. */
const maxSpeakers = 8;
const count = 10;

/** True if a port leads out of the machine. */
export function hasUplink(scenario: FoundScenario): boolean {
  return Object.values(scenario.topology.endpoints).some(({ role }) => role === 'uplink');
}

/** Why a proof does not probe a class; null = it does. `uplink`: frames may leave the machine. */
export function leftOut(probe: ProbeClassName, disruptive: boolean, uplink: boolean): string | null {
  if (uplink && classes[probe].newMacs === true)
    return 'the switch beyond the uplink would learn a MAC that no guest has: write a scenario, and run it with --allow-new-macs';
  const { proof } = classes[probe];
  if (typeof proof !== 'string') return proof.not;
  return disruptiveClasses.includes(probe) && !disruptive ? 'it disturbs guests: --allow-disruptive' : null;
}

/**
 * The scenario that tests all predictions of an audit: one step for all harmless classes, one for each disruptive
 * class. It claims nothing, so that leaks and their absence both count. Classes that need unknown addresses are left
 * out.
 */
export function provingScenario(
  scenario: FoundScenario,
  disruptive: boolean,
): FoundScenario & { readonly allow_disruptive?: true } {
  const endpoints = Object.entries(scenario.topology.endpoints)
    .filter(([, { mac }]) => mac !== undefined)
    .map(([name, endpoint]) => ({ name, ...endpoint }));
  const guests = endpoints.filter(({ role }) => role === undefined).slice(0, maxSpeakers);
  const uplink = endpoints.filter(({ role }) => role === 'uplink').slice(0, 1);
  const addressed = guests.filter(({ ip }) => ip !== undefined);
  const names = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name);
  const directions = {
    nobody: { from: names(guests), to: [] },
    any: { from: names([...guests, ...uplink]), to: names([...guests, ...uplink]) },
    guest: { from: names(guests), to: names(guests) },
    'addressed guest': { from: names(addressed), to: names(addressed) },
    victim: { from: names(guests.slice(0, 1)), to: names(guests.slice(1, 2)) },
    'addressed victim': { from: names(addressed.slice(0, 1)), to: names(addressed.slice(1, 2)) },
    'nobody, once': { from: names(guests.slice(0, 1)), to: [] },
  } as const;
  const probes = Object.values(classes)
    .filter(({ name }) => leftOut(name, disruptive, hasUplink(scenario)) === null)
    .flatMap(({ name: probe, proof: kind }) => {
      if (typeof kind !== 'string') return [];
      const { from, to } = directions[kind];
      const alone = kind.startsWith('nobody');
      if (alone ? from.length === 0 : new Set([...from, ...to]).size < 2) return [];
      return [{ class: probe, from, ...(alone ? {} : { to }), ...(probe === 'stp-root' ? {} : { count }) }];
    });
  const harmless = probes.filter((probe) => !disruptiveClasses.includes(probe.class));
  const steps = [
    { name: 'probes that disturb nothing', probe: harmless, expect: 'unjudged' },
    ...probes
      .filter((probe) => !harmless.includes(probe))
      .map((probe) => ({ name: probe.class, probe: [probe], expect: 'unjudged' })),
  ];
  const { name, policy: _, ...rest } = scenario;
  return {
    ...rest,
    name: name.replace(/^host-/, 'audit-'),
    steps,
    ...(disruptive ? { allow_disruptive: true as const } : {}),
  };
}
