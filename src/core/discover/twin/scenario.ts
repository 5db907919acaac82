import type { Speaker } from '../../bridge/bypass/drafts.js';
import { surveyRules, witnessLimits } from '../../bridge/bypass/witnesses.js';
import { linkNamed } from '../../bridge/host.js';
import type { ConfigurationManager } from '../../model/fix.js';
import type { ProbeClassName, SettingValue } from '../../model/scenario.js';
import { VerifyError } from '../../model/verify-error.js';
import type { Found, FoundScenario } from '../found-scenario.js';
import { vlansInState } from '../found-vlans.js';
import { witnessProbe } from '../whole/probes.js';
import { copiedEntries } from './copied-entries.js';
import { type CopiedFilters, copiedFilters } from './copied-filters.js';
import { copiedNeighbours } from './copied-neighbours.js';
import { copiedTables } from './copied-tables.js';
import { copiedBridgeSettings } from './copied-settings.js';
import { type EndpointsInput, isUsual, someSettings, type TwinEndpoint, twinEndpoints } from './endpoints.js';
import { twinSteps } from './steps.js';
import type { WhatIf } from './what-if.js';
import { counted } from '../../text/escape.js';
import { filled, given } from '../../text/collections.js';

export interface TwinInput extends Omit<EndpointsInput, 'scenario' | 'bridge'> {
  readonly bridge: string;
  readonly discovered: Found;
  /** Rules of nft are beside the scenario in `rules.nft`. */
  readonly hasRules: boolean;
  readonly missing: readonly string[];
  readonly keepers: readonly ConfigurationManager[];
  /** Classes of the catalogue; empty = all. */
  readonly classes: readonly ProbeClassName[];
}

/** A scenario file as data, and a line for each part of the live bridge that the twin lacks. */
export interface Twin {
  readonly scenario: {
    readonly version: 1;
    readonly name: string;
    readonly allow_disruptive: true;
    readonly topology: {
      readonly provider: 'lab';
      readonly bridges: Readonly<Record<string, object>>;
      readonly endpoints: Readonly<Record<string, TwinEndpoint>>;
      readonly sysctl?: Readonly<Record<string, string>>;
      readonly keepers?: readonly ConfigurationManager[];
    };
    readonly steps: readonly object[];
    readonly policy?: FoundScenario['policy'];
  };
  readonly missing: readonly string[];
}

/**
 * A lab bridge set like the live one, with guests of the same MACs, addresses, ports and VLANs, and attacks too risky
 * for the live one. Throws VerifyError (3) if fewer than two guests can be observed.
 */
export function twinScenario(input: TwinInput): Twin {
  const { state, bridge, classes } = input;
  const scenario = input.discovered.scenario;
  const link = linkNamed(state, bridge);
  if (link === undefined)
    throw new VerifyError(
      'interface-gone',
      69,
      `there is no bridge ${JSON.stringify(bridge)}`,
      '`ip link show type bridge` lists them',
    );
  const ports = new Set(Object.values(scenario.topology.endpoints).map(({ port }) => port));
  const { endpoints, host, missing, unheard } = twinEndpoints({ ...input, scenario, bridge: link });
  const copied = copiedBridgeSettings(link);
  const entries = copiedEntries(state, link, ports);
  const filters = copiedFilters(state, new Set([bridge, ...ports]));
  const neighbours = copiedNeighbours(state, bridge, endpoints);
  const vlans = vlansInState(state, bridge);
  const keepers = input.keepers.filter(({ device }) => device === bridge || ports.has(device));
  const tested = classes.length === 0 || classes.includes('known-unicast');
  return {
    scenario: {
      version: 1,
      name: `twin-${bridge}`,
      allow_disruptive: true,
      topology: {
        provider: 'lab',
        bridges: {
          [bridge]: {
            ...copied.settings,
            ...(isUsual(vlans, link) ? {} : { vlans: vlans }),
            ...given({ unheard }),
          },
        },
        endpoints,
        ...filled({ sysctl: state.sysctl, keepers }),
      },
      steps: [
        ...preparing({
          bare: bareOf(input, copied.settings, ports),
          entries,
          commands: [...filters.commands, ...neighbours.commands],
          hasRules: input.hasRules,
        }),
        ...(tested ? [...neighbours.steps, ...scenario.steps, ...rulesStep(input, ports, filters)] : []),
        ...attacks(input, endpoints, host),
      ],
      ...(scenario.policy === undefined || !tested ? {} : { policy: scenario.policy }),
    },
    missing: [input, { missing }, copied, entries, filters, neighbours].flatMap((part) => part.missing),
  };
}

function attacks(
  { discovered, bridge, classes }: TwinInput,
  endpoints: Readonly<Record<string, TwinEndpoint>>,
  host: string | null,
): readonly object[] {
  const onPorts = Object.entries(discovered.scenario.topology.endpoints);
  const guests = onPorts.filter(([, { role }]) => role === undefined).map(([name]) => name);
  if (guests.length < 2)
    throw new VerifyError(
      'too-little-found',
      3,
      `${bridge} has ${counted(guests.length, 'guest')} that can be heard: one must attack another`,
      'start the guests, and try again',
    );
  const uplink = onPorts.find(([, { role }]) => role === 'uplink')?.[0] ?? null;
  const tagged = Object.values(endpoints).some(({ vlans }) => vlans !== undefined);
  return twinSteps({ bridge, guests, uplink, host, tagged })
    .filter(([name]) => classes.length === 0 || classes.includes(name))
    .map(([, step]) => step);
}

function rulesStep(
  { state, bridge, discovered, hasRules }: TwinInput,
  ports: ReadonlySet<string>,
  filters: CopiedFilters,
): readonly object[] {
  const speakers = Object.entries(discovered.scenario.topology.endpoints).flatMap(
    ([name, { mac, ip = [], port, role }]): readonly Speaker[] =>
      mac === undefined || role !== undefined
        ? []
        : [
            {
              ...{ name, port, bridge, segment: bridge, isRouted: false },
              mac: [mac].flat()[0] ?? '',
              ips: [ip].flat().map((address) => address.replace(/\/.*/, '')),
            },
          ],
  );
  const { tables } = copiedTables(state, new Set([bridge, ...ports]));
  const isThere = (rule: string): boolean =>
    filters.names.includes(rule) ||
    (hasRules && tables.some(({ family, name }) => rule.startsWith(`nft ${family} ${name} `)));
  const { perRule, rate } = witnessLimits;
  const { rules } = surveyRules({ state, speakers, uplinks: [], perRule, isTwin: true });
  const probe = rules.flatMap(({ rule, witnesses }) =>
    isThere(rule.name) ? witnesses.map((witness) => ({ ...witnessProbe(rule.name, witness, false), rate })) : [],
  );
  return probe.length === 0 ? [] : [{ name: 'rules that copy or move frames', probe, expect: 'private' }];
}

/** Ports without a VLAN: a new one would be in the bridge's default. */
function bareOf(
  { state }: TwinInput,
  settings: Readonly<Record<string, SettingValue>>,
  ports: ReadonlySet<string>,
): readonly object[] {
  const pvid = Number(settings['vlan_default_pvid'] ?? 1);
  if (settings['vlan_filtering'] !== 'on' || pvid === 0) return [];
  return [...ports].filter((port) => vlansInState(state, port).length === 0).map((port) => ({ port, vid: pvid }));
}

function preparing({
  bare,
  entries: { fdb, mdb },
  commands: others,
  hasRules,
}: {
  readonly hasRules: boolean;
  readonly bare: readonly object[];
  readonly entries: ReturnType<typeof copiedEntries>;
  readonly commands: readonly (readonly string[])[];
}): readonly object[] {
  const commands = [...(hasRules ? [['nft', '-f', 'rules.nft']] : []), ...others];
  const step = {
    ...(bare.length === 0 ? {} : { vlan: { del: bare } }),
    ...(fdb.length === 0 ? {} : { fdb: { add: fdb } }),
    ...(mdb.length === 0 ? {} : { mdb: { add: mdb } }),
    ...filled({ run: commands }),
  };
  return Object.keys(step).length === 0 ? [] : [{ name: 'entries and rules as on the live bridge', ...step }];
}

/** The twin with supposed settings. */
export function supposing({ scenario, missing }: Twin, whatIfs: readonly WhatIf[]): Twin {
  const { bridges, endpoints } = scenario.topology;
  const changed = (device: string): Record<string, string | number> =>
    Object.fromEntries(whatIfs.filter((whatIf) => whatIf.device === device).map(({ key, value }) => [key, value]));
  return {
    missing,
    scenario: {
      ...scenario,
      name: `${scenario.name}-what-if`,
      topology: {
        ...scenario.topology,
        bridges: Object.fromEntries(
          Object.entries(bridges).map(([name, bridge]) => [name, { ...bridge, ...changed(name) }]),
        ),
        endpoints: Object.fromEntries(
          Object.entries(endpoints).map(([name, endpoint]) => [
            name,
            endpoint.port === undefined
              ? endpoint
              : { ...endpoint, ...someSettings({ ...endpoint.settings, ...changed(endpoint.port) }) },
          ]),
        ),
      },
    },
  };
}
