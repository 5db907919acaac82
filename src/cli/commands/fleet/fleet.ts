import type { FleetHost, FleetReport } from '../../../core/model/fleet.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { counted } from '../../../core/text/escape.js';
import { fleetReporterNames, fleetReporters } from '../../../report/fleet/reporters.js';
import { hostFolders } from '../../../system/evidence/folder/host-folders.js';
import type { WantedSignature } from '../evidence/options.js';
import { combineExitStatuses } from '../../command.js';
import { chooseAmong, printFailedReports, writeTexts } from '../reporters.js';
import { readHost } from './read-host.js';

export interface FleetCommandOptions {
  readonly dirs: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly reporter: readonly string[];
  readonly signature: WantedSignature;
}

/** Folders that are read at a time: while one waits for the disk the next is judged. */
const sideBySide = 4;
const progressMs = 1000;

function reportOf(hosts: readonly FleetHost[]): FleetReport {
  const count = (...statuses: readonly number[]): number =>
    hosts.filter(({ status }) => statuses.includes(status)).length;
  return {
    schemaVersion: 1,
    exitCode: combineExitStatuses(hosts.map(({ status }) => status)),
    counts: {
      asExpected: count(0),
      broken: count(2),
      faulty: count(69, 70),
      inconclusive: count(3),
      unexpected: count(4),
    },
    hosts: [...hosts].sort((a, b) => Number(a.host > b.host) - Number(a.host < b.host)),
  };
}

/** Judges what came back from every host and writes one report; the exit status is the contract's over all of them. */
export async function fleetCommand({ dirs, json, quiet, reporter, signature }: FleetCommandOptions): Promise<number> {
  const chosen = chooseAmong(fleetReporterNames, reporter, json);
  const folders = await hostFolders(dirs);
  if (folders.length === 0)
    throw new VerifyError(
      'usage',
      64,
      `there is no host below ${dirs.join(', ')}`,
      'name folders that hold a folder for each host',
    );
  const hosts: FleetHost[] = [];
  const waiting = [...folders];
  let reportedMs = performance.now();
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      hosts.push(await readHost(next, signature));
      if (quiet || performance.now() - reportedMs < progressMs) continue;
      reportedMs = performance.now();
      process.stderr.write(`${hosts.length} of ${counted(folders.length, 'host')} read\n`);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  const report = reportOf(hosts);
  const failed = await writeTexts(
    chosen.map(({ name, path }) => ({ name, path, render: (view) => fleetReporters[name](report, view) })),
    {},
  );
  return combineExitStatuses([report.exitCode, ...printFailedReports(failed, 'fleet DIR --reporter NAME=PATH')]);
}
