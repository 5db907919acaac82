import { audit, auditStatus, isWithoutGuests, nothingAudited, refuseMissingBridge } from '../../../core/audit/audit.js';
import type { Severity } from '../../../core/model/audit.js';
import { netnsPath } from '../../../core/model/fabric.js';
import { jsonText } from '../../../core/text/json-text.js';
import { auditText } from '../../../report/terminal/audit.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';
import { columnsOf } from '../../screen.js';

export interface AuditCommandOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly json: boolean;
  readonly all: boolean;
  readonly verbose: boolean;
  readonly failOn: Severity;
}

/** Audits and prints. Gives the exit status. VerifyError (69) without a bridge. */
export async function auditCommand(options: AuditCommandOptions): Promise<number> {
  const netns = netnsPath(options.netns ?? null);
  const snapshot = await readSnapshot({ netns, complete: true, beside: options.bridge === undefined });
  const report = audit(snapshot, { bridge: options.bridge ?? null });
  refuseMissingBridge(options.bridge ?? null, report);
  const status = auditStatus(report, options.failOn);
  if (options.bridge === undefined && status !== 2 && isWithoutGuests(snapshot, report))
    throw nothingAudited(report.bridges);
  const { all: showsAll, verbose } = options;
  const width = Math.min(100, columnsOf(process.stdout));
  const text = options.json ? jsonText(report, 2) : auditText(report, { width, showsAll, verbose, exitStatus: status });
  process.stdout.write(`${text}\n`);
  return status;
}
