import { searchDepth } from '../../../src/core/wire/token-filter.js';
import { markLength } from '../../../src/core/wire/token.js';
import { type Attack, itemOf, type Provider } from './attack.js';
import type { Heard } from './tools/heard.mjs';

/** The outcome of one case. */
export interface Judged {
  readonly attack: Attack;
  readonly provider: Provider;
  readonly verdict: string | null;
  readonly reasons: readonly string[];
  readonly heard: Readonly<Record<string, Heard>>;
  /** Why it could not be built here; null = it was. */
  readonly refused: string | null;
  /** The folder with its scripts. */
  readonly folder: string;
}

/**
 * `found` broken as expected, or inconclusive for an expected reason; `undecided` inconclusive for another reason;
 * `no leak` the victim heard nothing; `deaf` the ear did not hear what it had to.
 */
export type Outcome = 'false holds' | 'undecided' | 'found' | 'no leak' | 'deaf' | 'not available';

/** Messages of a kernel or machine that lacks something; any other failure is a fault of the adversary. */
const lacking =
  /Unknown device type|Specified qdisc kind is unknown|Failed to load TC action|error talking to the kernel|Failed to find|not supported|No such file or directory|not found|Could not process rule|Protocol not supported|Unknown (qdisc|filter|action)|Invalid argument|Unknown object|not permitted/i;

/** The text before the program's last line where a run left no result: a failure, and the other cases go on. */
export const noResult = 'the program gave no result';

export const isLack = (refused: string): boolean => !refused.startsWith(noResult) && lacking.test(refused);

/** The ears of a case that may not hear the probes. */
const victimsOf = ({ attack }: Judged): readonly string[] => attack.ears.map(({ name }) => name);

export function outcomeOf(judged: Judged): Outcome {
  const { refused, verdict, reasons, heard, attack } = judged;
  if (refused !== null) return 'not available';
  const ears = victimsOf(judged).map((name) => heard[name]);
  const leaked = ears.some((ear) => ear !== undefined && ear.tokens > 0);
  if (!leaked) return ears.every((ear) => ear?.checked === true) ? 'no leak' : 'deaf';
  if (verdict === 'holds') return 'false holds';
  if (verdict === 'broken') return 'found';
  // docs/verdicts.md: a token is found so deep; who wraps it deeper is named as somebody that may carry frames
  const isBeyond = ears.every((ear) => (ear?.offsets ?? []).every((at) => at + markLength > searchDepth));
  const due = isBeyond ? ['bypass-possible'] : attack.due;
  return due !== 'broken' && reasons.some((reason) => due.includes(reason)) ? 'found' : 'undecided';
}

/** The part of the defence that a failure belongs to. */
export const itemOfCase = ({ attack }: Judged): string => itemOf[attack.kind];
