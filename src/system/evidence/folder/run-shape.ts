import { z } from 'zod';
import { fixOutcomes, managerNames } from '../../../core/model/fix.js';
import { verdictRules } from '../../../core/model/run-record.js';

const text = z.string();
const texts = z.array(text);
const number = z.number();
const flag = z.boolean();
const scalars = z.record(text, z.union([text, number, flag]));
const textMap = z.record(text, text);

const fileHash = z.looseObject({ path: text, sha256: text });
const calibration = z.looseObject({ at: text, durationMs: number, engine: text, planted: number, seen: number });
const note = z.looseObject({ code: text, place: text, value: text, text });
const tool = z.looseObject({
  name: text,
  version: text,
  verdictRules: z.literal(verdictRules),
  sabotage: z.looseObject({ cases: number, falseHolds: number }),
});

const manager = z.looseObject({
  by: z.enum(managerNames),
  device: text,
  keeps: z.enum(['guest', 'network']).optional(),
  guest: text.optional(),
  mac: text.optional(),
  network: text.nullable().optional(),
  bridge: text.optional(),
  program: z.enum(['qm', 'pct']).optional(),
  id: number.optional(),
  nic: text.optional(),
  value: text.optional(),
  isVnet: flag.optional(),
  hookscript: text.optional(),
  file: text.optional(),
  kind: text.optional(),
  renderer: text.optional(),
  profile: text.optional(),
  uuid: text.nullable().optional(),
});

const moment = z.looseObject({ utc: text, monotonicNs: text });
const sync = z.looseObject({ synchronized: flag, maxErrorUs: number }).nullable();
const provenance = z.looseObject({
  who: z.looseObject({
    uid: number,
    loginUid: number.nullable(),
    sudoUser: text.nullable(),
    operator: text.nullable(),
    ticket: text.nullable(),
  }),
  where: z.looseObject({
    host: text,
    machineIdHash: text.nullable(),
    bootId: text.nullable(),
    kernel: text,
    distribution: text.nullable(),
    packages: textMap,
    modules: z.record(text, text.nullable()),
    brNetfilter: textMap.nullable(),
    nftRuleset: z.looseObject({ sha256: text.nullable(), text }),
  }),
  when: z.looseObject({
    started: moment,
    ended: moment.nullable(),
    clock: z.looseObject({ before: sync, after: sync }),
    steps: z.array(
      z.looseObject({ name: text, startedAt: text, endedAt: text, startedMonoMs: number, endedMonoMs: number }),
    ),
  }),
  instrument: z.looseObject({
    tool,
    packageSha256: text,
    lockfileSha256: text.nullable(),
    dependencies: textMap,
    node: text,
    engine: text,
    libpcap: text.nullable(),
    captures: z.array(
      z.looseObject({
        step: text,
        engine: text,
        snaplen: number,
        ring: number,
        filter: text,
        program: text.nullable(),
      }),
    ),
    calibration: calibration.nullable(),
  }),
  method: texts,
  scope: z
    .looseObject({
      bridges: texts,
      endpoints: z.array(z.looseObject({ name: text, role: text, interface: text.nullable(), macs: texts })),
      partial: text.nullable(),
      observed: number,
      ports: number,
      unobserved: z.array(z.looseObject({ port: text, reason: text })),
    })
    .nullable(),
  limits: texts,
});

/** run.json. */
export const runShape = z.looseObject({
  runVersion: z.literal(1),
  tool,
  id: text,
  startedAt: text.refine((at) => !Number.isNaN(Date.parse(at)), 'expected a time'),
  scenario: z.looseObject({
    name: text,
    file: text,
    sha256: text,
    files: z.array(fileHash).optional(),
    variables: scalars.optional(),
    grep: text.optional(),
  }),
  provider: z.enum(['lab', 'host']),
  runsAs: text,
  engine: text,
  kernel: text,
  node: text,
  key: z
    .string()
    .regex(/^(?:[0-9a-f]{2})*$/)
    .nullable(),
  capture: z
    .looseObject({
      sha256: text,
      packets: number,
      discarded: z.looseObject({ frames: number, sha256: text }).optional(),
    })
    .nullable(),
  timeline: z.looseObject({ entries: z.int().min(0) }).optional(),
  precheck: z.array(note).optional(),
  guard: z
    .looseObject({
      dropsPerSecond: z.record(text, number),
      gateway: z.looseObject({ address: text, medianMs: number.nullable() }).nullable(),
    })
    .optional(),
  keepers: z.array(manager).optional(),
  provenance: provenance.optional(),
  purged: z.looseObject({ at: text, sha256Before: text }).optional(),
});

const spans = z.object({ frames: number, spans: number, gaps: text, lengths: text });
/** A line of discarded.ndjson. */
export const discardedShape = z.object({ step: z.int(), observer: text, entered: spans, seen: spans, again: number });

/** fixes.json: fixes that were tried after a run. */
export const fixesShape = z.array(
  z.strictObject({
    step: z.int().min(0),
    cause: text,
    commands: texts,
    outcome: z.enum(fixOutcomes),
    before: number.nullable(),
    after: number.nullable(),
    cutOff: texts,
    lost: z.array(z.object({ what: text, names: texts })).exactOptional(),
    separated: z.array(z.tuple([text, text])).exactOptional(),
    text,
    evidence: text,
    sha256: text.nullable(),
  }),
);

const rules = z.looseObject({ tool: z.looseObject({ verdictRules: number }) });
/** Number of the rules that a run.json names, where it is not the one of this program; null = it names no other. */
export function otherRules(record: unknown): number | null {
  const { data } = rules.safeParse(record);
  return data === undefined || data.tool.verdictRules === verdictRules ? null : data.tool.verdictRules;
}

/** What is wrong with a file, in a line. */
export function faultText(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll('\n', ' ');
}
