import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import { refuseRings } from '../kernel/seccomp.js';
import { confinedCommand } from './helper-command.js';
import { helperIdentity, type Identity, killChild } from './identity.js';
import { whileStarting } from './helper-process.js';
import { programEnv } from './programs.js';

/** Judges a folder, or parses text of others. */
export type ConfinedTask = 'judge' | 'parse';

const longestAnswer = 512 * 2 ** 20;
/** An idle one ends within it once stdin closes. */
const endingMs = 2000;
/** A longer idle one with a question is stopped or stuck. */
const usualIdleMs = 30_000;

/** A line: an answer, or a report before it. */
export type ConfinedWord = { readonly answer: unknown } | { readonly reported: unknown };

/** Reads foreign input without rights. Start it early. */
export interface ConfinedProcess {
  readonly pid: number;
  /** Answers come in order, `reported` gets reports before. Rejects with VerifyError (3) `helper-died`. */
  ask(request: object, reported?: (word: unknown) => void): Promise<unknown>;
  /** Lets it end after its answers, then kills it. */
  end(): void;
  kill(): void;
}

interface Question {
  readonly reported: (word: unknown) => void;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: VerifyError) => void;
}

/** Any other line shows that the process is no longer ours. */
function isWord(word: unknown): word is ConfinedWord {
  return typeof word === 'object' && word !== null && ('answer' in word || 'reported' in word);
}

/**
 * It sees only `folder`. Its only capability confines it, and goes with that. Killed if idle with a question for
 * `idleMs`.
 */
export function startConfined(task: ConfinedTask, folder: string | null, idleMs = usualIdleMs): ConfinedProcess {
  const fds = folder === null ? [] : [openSync(folder, 'r')];
  const identity = folder === null ? helperIdentity() : null;
  const [program = '', ...parameters] = confinedCommand(task, identity);
  refuseRings();
  const child = spawn(program, parameters, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...fds],
    env: programEnv(),
  });
  for (const fd of fds) closeSync(fd);
  return new StartedProcess({ task, child, identity, idleMs });
}

interface Started {
  readonly task: ConfinedTask;
  readonly child: ChildProcess;
  readonly identity: Identity | null;
  readonly idleMs: number;
}

class StartedProcess implements ConfinedProcess {
  readonly pid: number;
  private readonly questions: Question[] = [];
  private readonly split = lineSplitter(longestAnswer);
  private stderr = '';
  private failure: VerifyError | null = null;
  private isEnding = false;
  private patience: NodeJS.Timeout | undefined;

  constructor(private readonly started: Started) {
    const { child } = started;
    this.pid = child.pid ?? 0;
    child.stdin?.on('error', () => undefined); // its end reports this
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => this.addStderr(chunk));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.hear(chunk));
    child.once('error', (error) => this.fail(error.message));
    child.once('close', (status, signal) => this.fail(String(status ?? signal)));
  }

  ask(request: object, reported: (word: unknown) => void = () => undefined): Promise<unknown> {
    const answer = new Promise((resolve, reject) => {
      if (this.failure !== null) return reject(this.failure);
      this.questions.push({ reported, resolve, reject });
      this.started.child.stdin?.write(encodeLine(request));
    });
    const { idleMs } = this.started;
    return whileStarting(answer, { pid: this.pid, idleMs, maxMs: Infinity }).catch(() => {
      if (this.failure === null) this.addStderr(`it has done nothing for ${idleMs} ms`);
      this.kill();
      return answer;
    });
  }

  kill(): void {
    killChild(this.started.child, this.started.identity);
  }

  end(): void {
    this.isEnding = true;
    this.started.child.stdin?.end();
    this.endWhenDone();
  }

  private addStderr(text: string): void {
    this.stderr = (this.stderr + text).slice(-8192);
  }

  private hear(chunk: string): void {
    try {
      for (const line of this.split(chunk)) this.take(JSON.parse(line));
    } catch (error) {
      this.addStderr(String(error));
      this.kill();
    }
  }

  private take(word: unknown): void {
    if (!isWord(word)) throw new TypeError('no word of a confined process');
    if ('reported' in word) this.questions[0]?.reported(word.reported);
    else this.questions.shift()?.resolve(word.answer);
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.isEnding && this.questions.length === 0 && this.failure === null)
      this.patience ??= setTimeout(() => this.kill(), endingMs);
  }

  private fail(how: string): void {
    clearTimeout(this.patience);
    this.failure ??= new VerifyError(
      'helper-died',
      3,
      `the process that was to ${this.started.task} what others wrote ended with ${how}: ${this.stderr.trim().slice(-500)}`,
      'the captures are kept in the folder; run again',
    );
    for (const question of this.questions.splice(0)) question.reject(this.failure);
  }
}
