import { audit, auditStatus, isWithoutGuests, nothingAudited, refuseMissingBridge } from '../../../core/audit/audit.js';
import { proofStatus } from '../../../core/audit/prove.js';
import type { Severity } from '../../../core/model/audit.js';
import { netnsPath } from '../../../core/model/fabric.js';
import { jsonText } from '../../../core/text/json-text.js';
import { auditText } from '../../../report/terminal/audit.js';
import { runPaths } from '../evidence/evidence-folder.js';
import { statusOf } from '../../../system/fabric/lab/launch.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';
import { columnsOf } from '../../screen.js';

export interface AuditCommandOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly json: boolean;
  readonly all: boolean;
  readonly verbose: boolean;
  readonly failOn: Severity;
  readonly prove: boolean;
  readonly out: string | undefined;
  readonly yes: boolean;
  readonly quiet: boolean;
  readonly allowDisruptive: boolean;
  readonly toolVersion: string;
}

/** Audits and prints, with `prove` also by a run. Gives the exit status. VerifyError (69) without a bridge. */
export async function auditCommand(options: AuditCommandOptions): Promise<number> {
  const netns = netnsPath(options.netns ?? null);
  // It begins again: before anything is read, so that it is read once.
  if (options.prove) (await import('../../../system/process/process-rights.js')).shedRights(runPaths(options.out));
  const snapshot = await readSnapshot({ netns, complete: true, beside: options.bridge === undefined });
  const report = audit(snapshot, { bridge: options.bridge ?? null });
  refuseMissingBridge(options.bridge ?? null, report);
  const status = auditStatus(report, options.failOn);
  if (options.bridge === undefined && status !== 2 && isWithoutGuests(snapshot, report))
    throw nothingAudited(report.bridges);
  const print = (printed: typeof report, exitStatus: number): number => {
    const { all: showsAll, verbose } = options;
    const width = Math.min(100, columnsOf(process.stdout));
    const text = options.json ? jsonText(printed, 2) : auditText(printed, { width, showsAll, verbose, exitStatus });
    process.stdout.write(`${text}\n`);
    return exitStatus;
  };
  if (!options.prove) return print(report, status);
  const { proveAudit } = await import('./prove.js');
  const proved = await proveAudit(report, snapshot, { ...options, netns });
  if (typeof proved === 'string') return statusOf(proved);
  return print(proved, proofStatus(proved, options.failOn));
}
