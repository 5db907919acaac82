import { classes, disruptiveClasses } from '../probe/classes.js';
import type { Found, FoundScenario } from './found-scenario.js';
import { twinSteps } from './twin/steps.js';

export const presetNames = ['tenant-bridge'] as const;
export type PresetName = (typeof presetNames)[number];

/** What the command line lets a preset do beyond what disturbs nobody. */
export interface PresetAllowance {
  readonly disruptive: boolean;
  /** Source MACs that nobody has: an uplink may carry them out. */
  readonly newMacs: boolean;
}

/** A scenario file as data: what was found, asked the catalogue. */
export interface PresetScenario extends Omit<FoundScenario, 'steps'> {
  readonly allow_disruptive?: true;
  readonly steps: readonly object[];
}

/** Routed packets need the host as an endpoint, which a found bridge has not; BPDUs would leave by the uplink. */
const notOnHost = new Set(['routed-bounce', 'stp-root']);

/**
 * The catalogue for a bridge that tenants share, on the bridge as it runs. What such a bridge lets through by design
 * (broadcasts, and multicast while nobody asks for members) is sent and counted without a verdict; of everything else
 * nobody but the addressee and the uplink may see anything.
 */
function tenantBridge({ scenario }: Found, allowed: PresetAllowance): PresetScenario {
  const { endpoints, bridges } = scenario.topology;
  const onPorts = Object.entries(endpoints).filter(([, { mac }]) => mac !== undefined);
  const guests = onPorts.filter(([, { role }]) => role === undefined).map(([name]) => name);
  const uplink = onPorts.find(([, { role }]) => role === 'uplink')?.[0] ?? null;
  const [from = uplink ?? ''] = guests;
  const tagged = Object.values(endpoints).some(({ vlans }) => vlans !== undefined);
  const asked = twinSteps({ bridge: Object.keys(bridges)[0] ?? '', guests, uplink, host: null, tagged }).filter(
    ([name]) =>
      !notOnHost.has(name) &&
      (allowed.disruptive || !disruptiveClasses.includes(name)) &&
      (allowed.newMacs || classes[name].newMacs !== true) &&
      (guests.length > 1 || name === 'unknown-unicast'),
  );
  const byDesign = ['broadcast', 'multicast', 'link-local-multicast'].map((name) => ({ class: name, from, count: 10 }));
  return {
    ...scenario,
    name: `tenant-bridge-${Object.keys(bridges)[0] ?? ''}`,
    ...(allowed.disruptive ? { allow_disruptive: true } : {}),
    steps: [
      ...scenario.steps,
      { name: 'what a shared bridge lets through by design', probe: byDesign, expect: 'unjudged' },
      ...asked.map(([name, step]) => (name === 'mac-flood' ? withoutFlush(step) : step)),
    ],
  };
}

/** A live bridge keeps its entries. */
function withoutFlush({ name, probe }: { readonly name: string; readonly probe: readonly object[] }): object {
  return { name, probe };
}

/** Scenarios that need no file, by name. A new one is one line here. */
export const presets: Readonly<Record<PresetName, (discovered: Found, allowed: PresetAllowance) => PresetScenario>> = {
  'tenant-bridge': tenantBridge,
};
