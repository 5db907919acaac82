import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { FleetCommand } from '../core/model/fleet.js';
import { VerifyError } from '../core/model/verify-error.js';

/** What ran on a host and how it ended: contrib/ansible writes it beside the evidence. */
export const hostRecordFile = 'host.json';

const shape = z.object({
  schemaVersion: z.literal(1),
  /** null = it was reached. */
  unreachable: z.string().nullable(),
  commands: z.array(z.object({ name: z.string(), status: z.int().min(0).max(255), text: z.string() })),
});

export interface HostRecord {
  readonly unreachable: string | null;
  readonly commands: readonly FleetCommand[];
}

/** The record in a host's folder; null = there is none. Throws VerifyError (3) where it is not one. */
export async function readHostRecord(dir: string): Promise<HostRecord | null> {
  const path = join(dir, hostRecordFile);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return shape.parse(JSON.parse(text));
  } catch (error) {
    throw new VerifyError(
      'host-record',
      3,
      `${path}: ${error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : error instanceof Error ? error.message : String(error)}`,
      'bring it back from the host again',
    );
  }
}
