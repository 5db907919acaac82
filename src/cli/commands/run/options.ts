import type { ArgumentsCamelCase, Argv } from 'yargs';
import { probeClasses } from '../../../core/probe/classes.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { commonOptions, type DefineCommand, flagArgument, textArgument, textsArgument } from '../../command.js';
import { reporterHelp } from '../../help.js';

/** `--shuffle` alone, or with a seed of 32 bits. */
function seedOf(value: unknown): number | true | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true || value === '') return true;
  const seed = Number(value);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new VerifyError(
      'usage',
      64,
      `--shuffle=${String(value)}: expected a number from 0 to 4294967295`,
      'the run that it is to repeat printed it',
    );
  return seed;
}

/** Which guests of which host are examined, where no file says so. */
const subjectOptions = {
  twin: flagArgument('instead of a file: rebuild a live bridge in the lab and attack it there'),
  bridge: textArgument('without a file: only this bridge; with --twin: the bridge, where there are several'),
  netns: textArgument('without a file: the network namespace of the bridges: a name of ip netns, or a path'),
  'what-if': textsArgument(
    'with --twin: run it again with DEVICE.SETTING=VALUE, as in br0.ageing_time=0, and say what differs',
  ),
  class: {
    choices: [...probeClasses, 'all'],
    array: true,
    requiresArg: true,
    nargs: 1,
    default: [],
    describe: 'without a file: only this class of probes, also one that is not asked by default; all: the catalogue',
  },
  guest: textsArgument('without a file: only this guest, by its name or port, and those that are named likewise'),
  zone: textsArgument('without a file: only guests of this zone'),
  rate: {
    type: 'number',
    requiresArg: true,
    describe: 'without a file: frames a second; those that may flood out of an uplink never exceed 10',
  },
  for: textArgument('without a file: stop after this time, such as 30s: as many rounds as fit into it'),
} as const;

/** What becomes of the result. */
const resultOptions = {
  strict: flagArgument(
    'what is open by design (EXPOSED) is a leak too, no guest may be observed only, and no program of the host may listen',
  ),
  trust: textsArgument(
    'what bypass-possible names and is known to carry no frame elsewhere, such as "packet socket of suricata" or "BPF program cil_*"; @FILE: a line for each, its reason behind #',
  ),
  out: textArgument('folder for the evidence; several files get a sub-folder each'),
  json: commonOptions.json,
  quiet: commonOptions.quiet,
  picture: commonOptions.picture,
  verbose: flagArgument('progress line by line, and all that is known at the end'),
  engine: commonOptions.engine,
  reporter: textsArgument(reporterHelp),
  baseline: textsArgument('evidence folder of an earlier run: fail only on leaks that it has not'),
  keep: {
    choices: ['leaks', 'all'],
    default: 'all',
    describe:
      'which frames stay in the evidence: all, or leaks and what else a judge looks at closer (the others are counted)',
  },
} as const;

/** Which runs, how often, and for how long. */
const seriesOptions = {
  set: textsArgument('NAME=VALUE: a value for a variable of the scenario'),
  grep: textArgument('judge only steps whose name matches this regular expression'),
  repeat: { type: 'number', requiresArg: true, default: 1, describe: 'number of runs per file' },
  shuffle: {
    coerce: seedOf,
    describe: 'run the files in an order drawn from a seed, which is printed; --shuffle=SEED repeats it',
  },
  timeout: textArgument('stop after this time, such as 90s; what was not done is inconclusive'),
  linger: textArgument('listen this long after the last probe of each step, such as 10s, for what comes late'),
} as const;

/** What a run may do, and who is responsible for it. */
const consentOptions = {
  yes: flagArgument('do not ask before sending'),
  'prove-fix': flagArgument('in the lab: after a leak try each fix, repeat the step, show before and after'),
  approved: textArgument('on a host: send only if the plan has this SHA-256 (plan --hash)'),
  progress: {
    choices: ['auto', 'json'],
    default: 'auto',
    describe: 'json: progress as an event a line on stderr, for programs',
  },
  'dry-run': flagArgument('on a host: do everything but send, and say READY or what is missing'),
  payload: flagArgument('on a host: keep the traffic of guests too, whole'),
  operator: textArgument('responsible person, for run.json'),
  sign: textArgument(
    'sign the evidence with this OpenSSH key, as attest does; on a host also where VERIFY_ISOLATION_SIGN_KEY names one',
  ),
  ticket: textArgument('change ticket, for run.json'),
  'allow-changes': flagArgument('on a host: steps may change it'),
  'allow-disruptive': flagArgument('on a host: disruptive probes may run'),
  'allow-new-macs': flagArgument('on a host: source MACs that nobody has may leave the NIC'),
  'allow-run': flagArgument('run may start any program'),
} as const;

function withRunOptions(parser: Argv) {
  return parser
    .positional('file', {
      type: 'string',
      array: true,
      default: [],
      describe: 'scenario files; none: every guest of this host',
    })
    .options(subjectOptions)
    .options(resultOptions)
    .options(seriesOptions)
    .options(consentOptions)
    .check(
      ({ repeat }) =>
        (Number.isInteger(repeat) && repeat >= 1 && repeat <= 1000) ||
        '--repeat: expected a whole number from 1 to 1000',
    );
}

type RunArguments = ArgumentsCamelCase<ReturnType<typeof withRunOptions> extends Argv<infer T> ? T : never>;

function usage(message: string, hint: string): VerifyError {
  return new VerifyError('usage', 64, message, hint);
}

/** What a run is about, and the options that say more of it. */
const narrowedBy = {
  file: ['trust'],
  twin: ['bridge', 'netns', 'class', 'what-if'],
  host: ['bridge', 'netns', 'class', 'guest', 'zone', 'rate', 'for', 'trust'],
} as const;

/** Throws VerifyError (64) for options that would say nothing of what the run is about. */
function checkNarrowing(args: RunArguments, subject: keyof typeof narrowedBy): void {
  const given = {
    bridge: args.bridge !== undefined,
    netns: args.netns !== undefined,
    'what-if': args.whatIf.length > 0,
    class: args.class.length > 0,
    guest: args.guest.length > 0,
    zone: args.zone.length > 0,
    rate: args.rate !== undefined,
    trust: args.trust.length > 0,
    for: args.for !== undefined,
  };
  const taken: readonly string[] = narrowedBy[subject];
  const stray = Object.entries(given).flatMap(([name, isGiven]) =>
    isGiven && !taken.includes(name) ? [`--${name}`] : [],
  );
  if (stray.length === 0) return;
  const options = stray.join(', ');
  if (subject === 'file') throw usage(`${options}: only without a file`, 'a scenario file says such things itself');
  if (subject === 'host') throw usage(`${options}: only with --twin`, 'a live bridge is not changed');
  throw usage(`${options}: not with --${subject}`, `it takes ${taken.map((name) => `--${name}`).join(', ')}`);
}

/** What `run` does by what it is given: a twin, this host, or scenario files. */
async function runBy(args: RunArguments, toolVersion: string): Promise<number> {
  const hasFile = args.file.length > 0;
  if (args.twin) {
    if (hasFile) throw usage('--twin takes no file: the scenario is read from the bridge', 'leave one of the two out');
    checkNarrowing(args, 'twin');
    return (await import('../twin/twin.js')).twinCommand(args);
  }
  if (!hasFile) {
    checkNarrowing(args, 'host');
    return (await import('./whole.js')).wholeCommand({ ...args, toolVersion });
  }
  checkNarrowing(args, 'file');
  return (await import('./run.js')).runCommand({ ...args, files: args.file, toolVersion });
}

/** `run FILE…`: carries scenarios out and judges what was seen. */
export const defineRun: DefineCommand = (parser, context) => {
  parser.command(
    'run [file..]',
    'examine this host, or run scenarios: send, listen, judge',
    withRunOptions,
    async (args) => context.setStatus(await runBy(args, context.version)),
  );
};

/** `record FILE --into DIR`: runs a scenario and keeps it as a test case that `replay` judges again. */
export const defineRecord: DefineCommand = (parser, context) => {
  parser.command(
    'record <file>',
    'run a scenario and keep its capture as a test case',
    (options) =>
      options.positional('file', { type: 'string', demandOption: true, describe: 'scenario file' }).options({
        into: { ...textArgument('folder for the case: new or empty'), demandOption: true },
        engine: commonOptions.engine,
        quiet: commonOptions.quiet,
      } as const),
    async (args) => {
      const { recordCommand } = await import('./record.js');
      context.setStatus(await recordCommand({ ...args, toolVersion: context.version }));
    },
  );
};

/** `demo`: the experiment that the project is named after; `--deafen` shows that a lost ear is noticed. */
export const defineDemo: DefineCommand = (parser, context) => {
  parser.command(
    'demo',
    'run the experiment that this project is named after',
    (options) =>
      options.options({
        deafen: textArgument('kill the ear of this observer in the middle: the verdict has to become INCONCLUSIVE'),
        out: textArgument('folder for the evidence'),
        json: commonOptions.json,
        picture: commonOptions.picture,
        verbose: flagArgument('print all that is known, not the answer alone'),
        quiet: commonOptions.quiet,
        engine: commonOptions.engine,
      } as const),
    async (args) => {
      const { demoCommand } = await import('./demo.js');
      context.setStatus(await demoCommand({ ...args, toolVersion: context.version }));
    },
  );
};
