import { type Fields, fieldsOf } from '../../text/json-text.js';
import { groupBy } from '../../text/collections.js';
import { advice } from '../changes.js';
import { bareName } from '../../model/host-names.js';
import type { HostState } from '../../model/state.js';
import type { CauseFinder, Explained } from '../weakness.js';
import { nftRules } from '../rules.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'docker-isolation': 'cause';
  }
}

/** libnetwork/drivers/bridge/setup_ip_tables.go. */
const stages = ['DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2'] as const;

function chainsOf(state: HostState): ReadonlyMap<string, readonly (readonly Fields[])[]> {
  const { rules, chains } = nftRules(state);
  const byPlace = groupBy(rules, ({ place }) => place);
  return new Map(
    [...chains.values()].flatMap(({ table, place, fields }) =>
      table === 'ip filter'
        ? [[String(fields['name']), (byPlace.get(place) ?? []).map(({ parts }) => parts)] as const]
        : [],
    ),
  );
}

function isAbout(rule: readonly Fields[], key: 'iifname' | 'oifname', device: string): boolean {
  return rule.every((part) => {
    const match = fieldsOf(part['match']);
    const isNamed = fieldsOf(fieldsOf(match?.['left'])?.['meta'])?.['key'] === key && match?.['op'] === '==';
    return !isNamed || match?.['right'] === device;
  });
}

function jumpsTo(rule: readonly Fields[], chain: string): boolean {
  return rule.some((part) => [part['jump'], part['goto']].some((verdict) => fieldsOf(verdict)?.['target'] === chain));
}

const findDockerIsolation: CauseFinder = ({ finding, before, from, to }) => {
  if (finding.class !== 'routed-bounce' || from === null || to === null) return null;
  const [inward, outward] = [bareName(from.bridge), bareName(to.bridge)];
  const chains = chainsOf(before);
  const [first, second] = stages.map((name) => chains.get(name));
  if (inward === outward || first === undefined) return null;
  // Docker has a rule for each of its bridges that hands what goes out there to its chain of published ports
  const isDockers = (device: string): boolean =>
    [...chains.values()].flat().some((rule) => jumpsTo(rule, 'DOCKER') && isNamedIn(rule, device));
  if (![inward, outward].every(isDockers)) return null;
  const leads = first.some((rule) => jumpsTo(rule, stages[1]) && isAbout(rule, 'iifname', inward));
  const drops = second?.some((rule) => rule.some((part) => 'drop' in part) && isAbout(rule, 'oifname', outward));
  if (leads && drops === true) return null;
  const chain = leads ? stages[1] : stages[0];
  return {
    place: `nft ip filter ${chain}`,
    value: 'drops nothing',
    text: `Docker keeps its networks apart by the chain ${chain}, and it does not drop what goes from ${inward} to ${outward}`,
    fix: advice('systemctl restart docker'),
  };
};

function isNamedIn(rule: readonly Fields[], device: string): boolean {
  return rule.some((part) => fieldsOf(part['match'])?.['right'] === device);
}

export const dockerIsolation: Explained = {
  meaning: 'The chains by which Docker keeps its networks apart drop nothing, as after a reload of a firewall.',
  cause: {
    phrase: ({ place }) => `Docker's chain between its networks is empty (${place})`,
    cost: { price: 'host', text: 'containers restart, unless live-restore is on' },
    find: findDockerIsolation,
  },
};
