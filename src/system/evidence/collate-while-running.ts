import { statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type JudgeStart, type JudgeState, startJudging } from '../../core/judge/judge.js';
import type { Plan } from '../../core/model/plan.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import type { Collation } from './collate/collate.js';
import type { StepCounters } from './collate/raw-captures.js';
import { type CollateRequest, type CollateWorker, collateInWorker } from './collate/worker-client.js';
import { partialCapture } from './folder/folder.js';
import { type PartialFile, partialFile } from './read/partial-file.js';
import { judgePartial } from './replay.js';

/** Work begun during the run. */
export interface JudgedWhileRunning {
  readonly collation: Promise<Collation>;
  /** null = count the discarded frames first. */
  readonly counting: Counting | null;
}

/** Continues once `judged` gives the SHA-256 of all counted bytes. */
interface Counting {
  readonly judging: JudgeState<JudgeStart>;
  readonly judged: Promise<string>;
}

/** Orders and counts captures during the run, which shortens its end. */
export interface CollatingWhileRunning {
  hear(entry: TimelineEntry): void;
  /** null = given up or not begun. */
  finish(counters: StepCounters): Promise<JudgedWhileRunning | null>;
  stop(): Promise<void>;
}

const roomForBoth = 4 * 2 ** 30;

/**
 * Gives up, without loss, if captures may be out of order (a ring for each handle), incomplete (any fault) or have
 * another host's time.
 */
export function collateWhileRunning(plan: Plan, request: StreamingRequest): CollatingWhileRunning {
  return new StreamingCollation(plan, request);
}

type StreamingRequest = Omit<CollateRequest, 'counters' | 'path'>;

class StreamingCollation implements CollatingWhileRunning {
  private readonly plan: Plan;
  private readonly request: StreamingRequest;
  private readonly path: string;
  private readonly entries: TimelineEntry[] = [];
  private readonly ended = new Set<number>();
  private running: (CollateWorker & JudgedWhileRunning) | null = null;
  private isGivenUp = false;
  private cleared: Promise<void> = Promise.resolve();

  constructor(plan: Plan, request: StreamingRequest) {
    this.plan = plan;
    this.request = request;
    this.path = join(request.dir, partialCapture);
  }

  hear(entry: TimelineEntry): void {
    if (this.isGivenUp) return;
    if (this.running === null) this.entries.push(entry);
    const { step } = entry;
    switch (entry.event) {
      case 'listening':
        if (entry.facts.engine !== 'ring') this.giveUp();
        break;
      case 'ear': // blocks of it are not among those that were written
      case 'fault':
      case 'kept':
      case 'clock':
        this.giveUp();
        break;
      case 'probing':
        if (entry.state === 'started') this.beginStep(step);
        break;
      case 'stopped':
      case 'step-ended':
        this.ended.add(step);
        this.running?.report({ kind: 'ended', step });
        break;
      default:
        break;
    }
  }

  async finish(counters: StepCounters): Promise<JudgedWhileRunning | null> {
    await this.cleared;
    this.running?.report({ kind: 'over', counters });
    const finished = this.running;
    this.running = null;
    return finished;
  }

  async stop(): Promise<void> {
    this.giveUp();
    await this.cleared;
  }

  private giveUp(): void {
    this.isGivenUp = true;
    if (this.running !== null) this.cleared = this.running.stop().then(() => rm(this.path, { force: true }));
    this.running = null;
  }

  private beginStep(step: number): void {
    if (!hasRoom(this.request.dir)) return;
    this.running ??= this.begin();
    this.running.report({ kind: 'begun', step });
  }

  private begin(): CollateWorker & JudgedWhileRunning {
    const { request, path } = this;
    const partial = partialFile(path);
    const thread = collateInWorker({ ...request, path, counters: [] }, partial);
    for (const step of this.ended) thread.report({ kind: 'ended', step });
    return { ...thread, counting: request.keep === 'all' ? this.beginCounting(partial) : null };
  }

  private beginCounting(partial: PartialFile): Counting {
    const judging = startJudging({
      plan: this.plan,
      run: { key: Buffer.from(this.request.key).toString('hex') },
      timeline: this.entries,
    });
    const judged = judgePartial(judging, partial);
    judged.catch(() => undefined); // reported where it is awaited
    return { judging, judged };
  }
}

function hasRoom(dir: string): boolean {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize >= roomForBoth;
}
