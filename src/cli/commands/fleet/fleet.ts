import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, relative, resolve } from 'node:path';
import { text as textOfStream } from 'node:stream/consumers';
import { ZodError } from 'zod';
import type { FleetHost, FleetReport } from '../../../core/model/fleet.js';
import { messageOf, usageError } from '../../../core/model/verify-error.js';
import { addTo } from '../../../core/text/collections.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { milliseconds } from '../../../core/text/time.js';
import { fleetChanges, fleetGroups } from '../../../report/fleet/groups.js';
import { fleetReporterNames, fleetReporters } from '../../../report/fleet/reporters.js';
import {
  type HostFolder,
  hostFolders,
  parseFleetReport,
  summaryFiles,
} from '../../../system/evidence/folder/host-folders.js';
import { readSummary } from '../../../system/evidence/push.js';
import { packagePath } from '../../../system/process/package-path.js';
import { combineExitStatuses } from '../../command.js';
import { chooseAmong, printFailedReports, writeTexts } from '../reporters.js';
import { type FleetSignature, type PushedSummary, readHost, readPushed } from './read-host.js';

export interface FleetCommandOptions {
  readonly dirs: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly reporter: readonly string[];
  readonly signature: FleetSignature;
  readonly since: string | undefined;
  readonly maxAge: string;
  /** `dirs` are folders of hosts, for a process that judges part of the fleet. */
  readonly asHosts: boolean;
}

/** One folder is judged while another waits for the disk. */
const sideBySide = 4;
/** A process takes as long to start as twenty hosts to judge. */
const hostsInProcess = 250;
const progressMs = 1000;
/** A host's clock may be ahead by this. */
const clockMs = 600_000;

type Earlier = Pick<FleetReport, 'at' | 'hosts'>;

function reportOf(hosts: readonly FleetHost[], earlier: Earlier | null, signersChecked: boolean): FleetReport {
  const count = (...statuses: readonly number[]): number =>
    hosts.filter(({ status }) => statuses.includes(status)).length;
  const sorted = [...hosts].sort((a, b) => Number(a.host > b.host) - Number(a.host < b.host));
  return {
    schemaVersion: 1,
    at: new Date().toISOString(),
    exitCode: combineExitStatuses(hosts.map(({ status }) => status)),
    counts: {
      asExpected: count(0),
      broken: count(2),
      faulty: count(69, 70),
      inconclusive: count(3),
      unexpected: count(4),
    },
    signersChecked,
    groups: fleetGroups(sorted),
    since: earlier === null ? null : { at: earlier.at, changes: fleetChanges(earlier.hosts, sorted) },
    hosts: sorted,
  };
}

function readEarlier(path: string): Earlier | null {
  try {
    return parseFleetReport(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof ZodError ? 'no report of this version' : messageOf(error);
    process.stderr.write(`--since ${escapeText(path)}: ${escapeText(why)}; nothing is compared\n`);
    return null;
  }
}

function makeProgress(total: number, quiet: boolean): (count: number) => void {
  let [read, reportedMs] = [0, performance.now()];
  return (count) => {
    read += count;
    if (quiet || performance.now() - reportedMs < progressMs) return;
    reportedMs = performance.now();
    process.stderr.write(`${read} of ${counted(total, 'host')} read\n`);
  };
}

async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await act(next);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function readFolders(
  folders: readonly HostFolder[],
  signature: FleetSignature,
  progress: (count: number) => void,
): Promise<readonly FleetHost[]> {
  const hosts: FleetHost[] = [];
  if (folders.length <= hostsInProcess) {
    await inParallel(folders, sideBySide, async (folder) => {
      hosts.push(await readHost(folder, signature));
      progress(1);
    });
    return hosts;
  }
  const dirs = folders.flatMap(({ dir }) => dir ?? []);
  for (const folder of folders) if (folder.dir === null) hosts.push(await readHost(folder, signature));
  const parts = Array.from({ length: Math.ceil(dirs.length / hostsInProcess) }, (_, at) =>
    dirs.slice(at * hostsInProcess, (at + 1) * hostsInProcess),
  );
  await inParallel(parts, Math.min(availableParallelism(), sideBySide), async (part) => {
    hosts.push(...(await readApart(part, signature)));
    progress(part.length);
  });
  return hosts;
}

async function readApart(dirs: readonly string[], signature: FleetSignature): Promise<readonly FleetHost[]> {
  const { file, identity, required } = signature;
  const words = [
    ...['fleet', '--as-hosts', '--json', '--quiet'],
    ...(file === null ? [] : ['--allowed-signers', file]),
    ...(identity === null ? [] : ['--identity', identity]),
    ...(required ? ['--require-signature'] : []),
    ...dirs.map((dir) => (dir.startsWith('-') ? `./${dir}` : dir)),
  ];
  // Small garbage collections keep the memory of a process small
  const child = spawn(process.execPath, ['--max-semi-space-size=8', packagePath('dist/cli.cjs'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    return parseFleetReport(await textOfStream(child.stdout)).hosts;
  } catch {
    const half = Math.ceil(dirs.length / 2);
    if (dirs.length > 1)
      return [...(await readApart(dirs.slice(0, half), signature)), ...(await readApart(dirs.slice(half), signature))];
    const problems = ['the process that judged it ended early; judge it alone'];
    return dirs.map((dir) => ({
      host: basename(resolve(dir)),
      dir,
      status: 3,
      problems,
      commands: [],
      runs: [],
    }));
  }
}

async function readSummaries(
  paths: readonly string[],
  signature: FleetSignature,
  ageMs: number,
): Promise<readonly FleetHost[]> {
  const pushed = new Map<string, PushedSummary[]>();
  const hosts: FleetHost[] = [];
  for (const path of paths) {
    try {
      const found = { path, ...readSummary(path) };
      addTo(pushed, found.summary.host, found);
    } catch (error) {
      const problems = [messageOf(error)];
      hosts.push({ host: basename(path), dir: '', status: 3, problems, commands: [], runs: [] });
    }
  }
  const times = { oldestMs: Date.now() - ageMs, newestMs: Date.now() + clockMs };
  await inParallel([...pushed], sideBySide, async ([host, summaries]) => {
    hosts.push(await readPushed(host, summaries, signature, times));
  });
  return hosts;
}

function withLinks(report: FleetReport, path: string | null): FleetReport {
  const from = path === null ? '.' : dirname(path);
  const hosts = report.hosts.map((host) => ({
    ...host,
    runs: host.runs.map((run) => (run.page === null ? run : { ...run, page: relative(from, resolve(run.page)) })),
  }));
  return { ...report, hosts };
}

/** Judges all hosts into one report. Gives their common exit status. */
export async function fleetCommand(options: FleetCommandOptions): Promise<number> {
  const { dirs, json, quiet, reporter, signature, since, maxAge, asHosts } = options;
  const chosen = chooseAmong(fleetReporterNames, reporter, json);
  const ageMs = milliseconds(maxAge);
  if (ageMs === null) throw usageError(`--max-age ${maxAge}: expected a time`, 'for example 48h');
  const earlier = since === undefined ? null : readEarlier(since);
  const paths = asHosts ? [] : await summaryFiles(dirs);
  const pushed = await readSummaries(paths, signature, ageMs);
  const known = new Set(pushed.map(({ host }) => host));
  const found = asHosts ? dirs.map((dir) => ({ host: basename(resolve(dir)), dir })) : await hostFolders(dirs);
  const folders = found.filter(({ host, dir }) => dir !== null || !known.has(host));
  if (folders.length + pushed.length === 0)
    throw usageError(
      `there is no host below ${dirs.join(', ')}`,
      'name folders that hold a folder for each host, or summaries of run --push',
    );
  const progress = makeProgress(folders.length, quiet);
  const hosts = [...pushed, ...(await readFolders(folders, signature, progress))];
  const report = reportOf(hosts, earlier, paths.length === 0 || signature.file !== null);
  const failed = await writeTexts(
    chosen.map(({ name, path }) => ({
      name,
      path,
      render: (view) => fleetReporters[name](withLinks(report, path), view),
    })),
    {},
  );
  return combineExitStatuses([report.exitCode, ...printFailedReports(failed, 'fleet DIR --reporter NAME=PATH')]);
}
