import { audit, auditStatus } from '../audit/audit.js';
import type { Severity } from '../model/audit.js';
import { VerifyError } from '../model/verify-error.js';
import { auditText } from '../report/audit-text.js';
import { readReading } from '../state/read-reading.js';

export interface AuditCommandOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly json: boolean;
  readonly all: boolean;
  readonly failOn: Severity;
}

/** Reads, judges, prints; returns the exit status. Rejects with VerifyError (69) where there is no such bridge. */
export async function auditCommand(options: AuditCommandOptions): Promise<number> {
  const reading = await readReading({ netns: namespacePath(options.netns), whole: true });
  const report = audit(reading, { bridge: options.bridge ?? null });
  if (report.bridges.length === 0 && options.bridge !== undefined) {
    throw new VerifyError('bridge-missing', 69, `there is no bridge ${JSON.stringify(options.bridge)}`, 'ip -d link show type bridge lists them; --netns looks into another namespace');
  }
  process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : auditText(report, options.all)}\n`);
  return auditStatus(report, options.failOn);
}

/** A name of `ip netns` or a path; null = where the program runs. */
export function namespacePath(netns: string | undefined): string | null {
  if (netns === undefined) return null;
  return netns.includes('/') ? netns : `/run/netns/${netns}`;
}
