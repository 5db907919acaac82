import { stat } from 'node:fs/promises';
import { startForeign } from '../../../core/judge/foreign/foreign.js';
import { type ForeignReport, finishForeign, macOfNumber, type NameOf } from '../../../core/judge/foreign/report.js';
import type { Endpoint } from '../../../core/model/scenario.js';
import { messageOf, usageError } from '../../../core/model/verify-error.js';
import { addTo } from '../../../core/text/collections.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { isGroupMac, macBytes, macNumber } from '../../../core/wire/ethernet.js';
import { foreignText } from '../../../report/terminal/foreign.js';
import { hearForeign } from '../../../system/evidence/hear-foreign.js';
import { combineExitStatuses } from '../../command.js';
import { columnsOf, wantsColor } from '../../screen.js';

export interface ReplayForeignOptions {
  readonly files: readonly string[];
  readonly macs: readonly string[];
  readonly scenario: string | undefined;
  readonly observers: readonly string[];
  readonly json: boolean;
  readonly reporter: readonly string[];
  readonly secondReader: boolean;
}

function numberOf(mac: string): number {
  const bytes = macBytes(mac);
  if (bytes === null) throw usageError(`--mac ${mac}: not a MAC`, 'give it as in --mac 52:54:00:85:20:d1');
  if (isGroupMac(bytes, 0))
    throw usageError(`--mac ${mac}: the MAC of a group, not of a guest`, 'give the MAC of the interface that recorded');
  return macNumber(bytes, 0);
}

async function checkFile(path: string): Promise<void> {
  const info = await stat(path).catch((error: unknown) => {
    throw usageError(`${path}: ${messageOf(error)}`, 'give captures: pcap or pcapng, gzip or not');
  });
  if (info.isDirectory())
    throw usageError(
      `${path}: a folder, not a capture`,
      'with --mac give captures; a folder that a run left is judged by replay DIR alone',
    );
}

async function byMac(options: ReplayForeignOptions): Promise<readonly ForeignReport[]> {
  if (options.files.length === 0) throw usageError('--mac needs captures', 'replay guest.pcap --mac 52:54:00:85:20:d1');
  const fold = startForeign({ name: null, macs: options.macs.map(numberOf), elsewhere: null });
  for (const path of options.files) await checkFile(path);
  for (const path of options.files) await hearForeign(fold, path);
  return [finishForeign(fold, macOfNumber)];
}

function capturesOf(
  observers: readonly string[],
  endpoints: readonly Endpoint[],
): ReadonlyMap<Endpoint, readonly string[]> {
  const captures = new Map<Endpoint, string[]>();
  for (const text of observers) {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1)
      throw usageError(`--observer ${text}: not NAME=FILE`, 'give it as in --observer kali3=kali3.pcap');
    const endpoint = endpoints.find(({ name }) => name === text.slice(0, at));
    if (endpoint === undefined)
      throw usageError(
        `--observer ${text}: the scenario has no endpoint ${text.slice(0, at)}`,
        `known: ${endpoints.map(({ name }) => name).join(', ')}`,
      );
    addTo(captures, endpoint, text.slice(at + 1));
  }
  return captures;
}

async function byScenario(path: string, options: ReplayForeignOptions): Promise<readonly ForeignReport[]> {
  if (options.files.length > 0 || options.macs.length > 0)
    throw usageError(
      '--scenario goes with --observer NAME=FILE, not with files or --mac',
      'replay --scenario s.yml --observer kali3=kali3.pcap',
    );
  if (options.observers.length === 0)
    throw usageError('--scenario needs --observer NAME=FILE', 'name each endpoint whose capture there is');
  const { loadFiles } = await import('../scenario/load-files.js'); // which takes as long to load as a small capture to read
  const [scenario] = await loadFiles([path]);
  const endpoints = scenario?.topology.endpoints ?? [];
  const names = new Map(endpoints.flatMap(({ name, macs }) => macs.map((mac) => [numberOf(mac), name] as const)));
  const nameOf: NameOf = (mac) => names.get(mac) ?? macOfNumber(mac);
  const captures = capturesOf(options.observers, endpoints);
  for (const paths of captures.values()) for (const each of paths) await checkFile(each);
  const reports: ForeignReport[] = [];
  for (const [endpoint, paths] of captures) {
    // Behind an uplink, and on the host, live MACs that no scenario lists: there only what guests say to each other is
    // foreign.
    const elsewhere =
      endpoint.role === 'guest'
        ? null
        : endpoints
            .filter(({ name, role }) => name !== endpoint.name && role === 'guest')
            .flatMap(({ macs }) => macs.map(numberOf));
    const fold = startForeign({ name: endpoint.name, macs: endpoint.macs.map(numberOf), elsewhere });
    for (const each of paths) await hearForeign(fold, each);
    reports.push(finishForeign(fold, nameOf));
  }
  return reports;
}

async function printReaders(paths: readonly string[]): Promise<readonly number[]> {
  const { compareReaders } = await import('../../../system/evidence/second-reader.js');
  const statuses: number[] = [];
  for (const path of paths) {
    const comparison = await compareReaders(path);
    if (comparison === null) process.stderr.write(`${escapeText(path)}: no classic pcap in µs: one reader read it\n`);
    else if (comparison.differences.length === 0)
      process.stderr.write(`${escapeText(path)}: two readers read the same ${counted(comparison.packets, 'packet')}\n`);
    else {
      for (const text of comparison.differences) process.stderr.write(`${escapeText(`${path}: ${text}`)}\n`);
      statuses.push(3);
    }
  }
  return statuses;
}

/** Reports foreign frames of captures. Status 2 = found, 3 = captures cannot prove none, 0 = none. */
export async function replayForeign(options: ReplayForeignOptions): Promise<number> {
  if (options.reporter.length > 0)
    throw usageError('--reporter: captures of others have no run to report', 'leave it out, or use --json');
  if (options.scenario === undefined && options.observers.length > 0)
    throw usageError('--observer needs --scenario', 'or give captures and --mac MAC');
  const reports = options.scenario === undefined ? await byMac(options) : await byScenario(options.scenario, options);
  process.stdout.write(
    options.json
      ? `${jsonText({ schemaVersion: 1, listeners: reports }, 2)}\n`
      : foreignText(reports, { width: columnsOf(process.stdout, 100), color: wantsColor(process.stdout) }),
  );
  const paths = [...options.files, ...options.observers.map((text) => text.slice(text.indexOf('=') + 1))];
  const readers = options.secondReader ? await printReaders(paths) : [];
  return combineExitStatuses([...reports.map(({ exitCode }) => exitCode), ...readers]);
}
