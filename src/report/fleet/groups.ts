import type { CodeCount, FleetChange, FleetGroup, FleetHost } from '../../core/model/fleet.js';
import { compareFound } from '../compare-results.js';
import { hostWord } from './terminal.js';
import { addTo } from '../../core/text/collections.js';

const kinds = ['leak', 'problem', 'doubt', 'exposed'] as const;

/** Equal problems differ in paths and hosts' names. */
function problemOf(host: FleetHost, problem: string): string {
  if (problem.startsWith('unreachable: ')) return 'unreachable';
  const inFolder = host.dir !== '' && problem.startsWith(host.dir);
  return (inFolder ? problem.slice(host.dir.length) : problem).replace(/^(?:\/\S*|\S*\.summary)?: /, '').slice(0, 60);
}

function codesOf(host: FleetHost, kind: FleetGroup['kind']): readonly string[] {
  const codes = (pick: (run: FleetHost['runs'][number]) => readonly CodeCount[]): readonly string[] =>
    host.runs.flatMap((run) => pick(run).map(({ code }) => code));
  switch (kind) {
    case 'leak': {
      const found = codes(({ exitCode, causes }) => (exitCode === 2 ? causes : []));
      return host.status === 2 && found.length === 0 ? ['unexplained'] : found;
    }
    case 'problem':
      return host.problems.map((problem) => problemOf(host, problem));
    case 'doubt':
      return codes(({ doubts }) => doubts);
    case 'exposed':
      return codes(({ exposed }) => exposed);
  }
}

/** Leaks, problems, doubts and exposures. The most hosts first. */
export function fleetGroups(hosts: readonly FleetHost[]): readonly FleetGroup[] {
  return kinds.flatMap((kind) => {
    const groups = new Map<string, string[]>();
    for (const host of hosts) for (const code of new Set(codesOf(host, kind))) addTo(groups, code, host.host);
    return [...groups]
      .map(([code, names]) => ({ kind, code, hosts: names.sort() }))
      .sort((a, b) => b.hosts.length - a.hosts.length || a.code.localeCompare(b.code));
  });
}

interface FoundCode {
  readonly code: string;
  readonly scenarios: readonly string[];
}

function foundCodes(host: FleetHost, kind: FleetGroup['kind']): ReadonlyMap<string, readonly FoundCode[]> {
  return new Map(
    codesOf(host, kind).map((code) => [
      code,
      [
        {
          code,
          scenarios: host.runs.flatMap((run) =>
            codesOf({ ...host, runs: [run] }, kind).includes(code) ? [run.scenario] : [],
          ),
        },
      ],
    ]),
  );
}

function provesOver({ runs, problems }: FleetHost, { scenarios }: FoundCode): boolean {
  const isOver = (name: string): boolean => {
    const mine = runs.filter(({ scenario }) => scenario === name);
    return (
      mine.length > 0 &&
      mine.every(({ verdict, doubts, accepted }) => verdict === 'holds' && doubts.length === 0 && accepted.length === 0)
    );
  };
  return problems.length === 0 && scenarios.length > 0 && scenarios.every(isOver);
}

/** A leak that nothing disproves has not stopped. */
function changedCodes(former: FleetHost, host: FleetHost, kind: FleetGroup['kind']): readonly string[] {
  const { began, stopped, untold } = compareFound(
    foundCodes(former, kind),
    foundCodes(host, kind),
    (found) => kind === 'doubt' || provesOver(host, found),
  );
  const parts = [
    ['began', began],
    ['stopped', stopped],
    ['not proven now', untold],
  ] as const;
  return parts.flatMap(([word, found]) =>
    found.length === 0 ? [] : [`${kind} ${word}: ${found.map(({ code }) => code).join(', ')}`],
  );
}

/** Words, causes of leaks and exposures, and hosts that came or went. */
export function fleetChanges(before: readonly FleetHost[], now: readonly FleetHost[]): readonly FleetChange[] {
  const earlier = new Map(before.map((host) => [host.host, host]));
  const present = new Set(now.map(({ host }) => host));
  const changed = now.flatMap((host): readonly FleetChange[] => {
    const former = earlier.get(host.host);
    if (former === undefined) return [{ host: host.host, text: `new: ${hostWord(host).text}` }];
    const parts = (['leak', 'exposed', 'doubt'] as const).flatMap((kind) => changedCodes(former, host, kind));
    const [word, formerWord] = [hostWord(host).text, hostWord(former).text];
    const turned = word === formerWord ? [] : [`${formerWord} → ${word}`];
    return turned.length + parts.length === 0 ? [] : [{ host: host.host, text: [...turned, ...parts].join('; ') }];
  });
  const gone = before.flatMap(({ host }) => (present.has(host) ? [] : [{ host, text: 'no longer in the report' }]));
  return [...changed, ...gone];
}
