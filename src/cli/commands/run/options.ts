import type { ArgumentsCamelCase, Argv } from 'yargs';
import { traceModes } from '../../../run/context.js';
import type { Limits } from '../../../core/plan/limits.js';
import { probeClasses } from '../../../core/probe/classes.js';
import { usageError } from '../../../core/model/verify-error.js';
import {
  command,
  commonOptions,
  flagArgument,
  numberArgument,
  operand,
  operands,
  textArgument,
  textsArgument,
} from '../../command.js';
import { reporterHelp } from '../../help.js';

function seedOf(value: unknown): number | true | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true || value === '') return true;
  const seed = Number(value);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw usageError(
      `--shuffle=${String(value)}: expected a number from 0 to 4294967295`,
      'the run that it is to repeat printed it',
    );
  return seed;
}

const optionGroups = {
  'What to test:': {
    bridge: textArgument('without a file: only this bridge'),
    guest: textsArgument('without a file: only this guest, by its name or port, and guests with similar names'),
    zone: textsArgument('without a file: only guests of this zone'),
    class: {
      choices: [...probeClasses, 'all'],
      array: true,
      requiresArg: true,
      nargs: 1,
      default: [],
      describe: 'without a file: only this class of probes, or all of them (explain lists the classes)',
    },
    netns: textArgument('without a file: the network namespace of the bridges, by its name in ip netns or a path'),
    set: textsArgument('NAME=VALUE: the value of a variable in the scenario'),
    grep: textArgument('judge only the steps whose name matches this regular expression'),
  },
  'How hard to test:': {
    'dry-run': flagArgument('on a host: do everything but send, then print READY or what is missing'),
    strict: flagArgument(
      'treat EXPOSED as a leak; allow no guest that is only observed and no program of the host that listens',
    ),
    trust: textsArgument(
      'accept what bypass-possible names, such as "packet socket of suricata" or "BPF program cil_*"; @FILE: one a line, with its reason after #',
    ),
    'prove-fix': flagArgument('in the lab: after a leak try each fix, repeat the step, show before and after'),
    baseline: textsArgument('evidence folder of an earlier run: fail only on new leaks'),
    rate: numberArgument('without a file: frames a second; at most 50 a second flood out of an uplink, of ARP 10'),
    rules: numberArgument(
      'without a file: frames that ask a rule which copies or moves frames (default 8); 0 asks none',
    ),
    for: textArgument('without a file: run as many rounds as fit into this time, such as 30s'),
    timeout: textArgument('stop after this time, such as 90s; the rest is inconclusive'),
    linger: textArgument('capture this long after the last probe of each step, such as 10s'),
    repeat: { ...numberArgument('number of runs per file (default 1)'), default: 1 },
    shuffle: { coerce: seedOf, describe: 'run the files in random order; --shuffle=SEED repeats an order' },
    engine: commonOptions.engine,
    trace: {
      choices: traceModes,
      default: 'off',
      describe: "auto: follow each probe by the kernel's own trace, if kernel and rights allow (default off)",
    },
  },
  'Output of the result:': {
    out: textArgument('folder for the evidence; with several files each gets a folder in it'),
    json: commonOptions.json,
    reporter: textsArgument(reporterHelp),
    report: textArgument('folder for every report: JUnit, Markdown, SARIF, CSV and the others'),
    wide: commonOptions.wide,
    verbose: flagArgument('print progress line by line, and the full report at the end'),
    quiet: commonOptions.quiet,
    progress: {
      choices: ['auto', 'json'],
      default: 'auto',
      describe: 'json: print progress on stderr, one JSON object a line',
    },
    keep: {
      choices: ['leaks', 'all'],
      describe: 'frames to keep in the evidence: all (default up to 100,000), or leaks and the frames around them',
    },
    payload: flagArgument("on a host: keep the payload of guests' own traffic too"),
    sign: textArgument('sign the evidence with this OpenSSH key, as attest does (default: VERIFY_ISOLATION_SIGN_KEY)'),
    operator: textArgument('name of the responsible person, for run.json'),
    ticket: textArgument('change ticket, for run.json'),
  },
  'What you allow:': {
    yes: flagArgument('do not ask before sending'),
    approved: textArgument('on a host: send only if the plan has this SHA-256 (plan --hash prints it)'),
    policy: textArgument('on a host: send what stays within the limits in this YAML file, which root alone may write'),
    'allow-changes': flagArgument('on a host: steps may change settings, which the run undoes'),
    'allow-disruptive': flagArgument('on a host: disruptive probes may run, class frame among them'),
    'allow-frames': flagArgument(
      'on a host, with --allow-disruptive: frames that a scenario writes itself (class frame) may be sent',
    ),
    'allow-new-macs': flagArgument('on a host: frames with unused source MACs may leave the NIC'),
    'allow-run': flagArgument('scenarios may start any program'),
  },
} as const;

const rareOptions = [
  ...([
    'netns',
    'set',
    'grep',
    'rate',
    'rules',
    'for',
    'timeout',
    'linger',
    'repeat',
    'shuffle',
    'engine',
    'trace',
  ] as const),
  ...([
    'progress',
    'keep',
    'payload',
    'sign',
    'operator',
    'ticket',
    'approved',
    'policy',
    'allow-frames',
    'allow-new-macs',
    'allow-run',
  ] as const),
];

function withRunOptions(parser: Argv) {
  const withFile = parser.positional('file', operands('scenario files; none: test every guest of this host'));
  for (const [title, options] of Object.entries(optionGroups)) withFile.group(Object.keys(options), title);
  for (const name of rareOptions) withFile.hide(name);
  return withFile
    .options(optionGroups['What to test:'])
    .options(optionGroups['How hard to test:'])
    .options(optionGroups['Output of the result:'])
    .options(optionGroups['What you allow:'])
    .showHidden('all', 'with --help: list the rare options too')
    .check(
      ({ repeat }) =>
        (Number.isInteger(repeat) && repeat >= 1 && repeat <= 1000) ||
        '--repeat: expected a whole number from 1 to 1000',
    )
    .check(({ all: isAll }) => isAll !== true || '--all: only with --help; give --class all to test every class');
}

type RunArguments = ArgumentsCamelCase<ReturnType<typeof withRunOptions> extends Argv<infer T> ? T : never>;

function checkNarrowing(args: RunArguments): void {
  const given = {
    bridge: args.bridge !== undefined,
    netns: args.netns !== undefined,
    class: args.class.length > 0,
    guest: args.guest.length > 0,
    zone: args.zone.length > 0,
    rate: args.rate !== undefined,
    rules: args.rules !== undefined,
    for: args.for !== undefined,
  };
  const stray = Object.entries(given).flatMap(([name, isGiven]) => (isGiven ? [`--${name}`] : []));
  if (stray.length > 0)
    throw usageError(`${stray.join(', ')}: only without a file`, 'a scenario file says such things itself');
}

async function limitsOf({ policy, approved }: RunArguments): Promise<Limits | null> {
  if (policy === undefined) return null;
  if (approved !== undefined)
    throw usageError('--policy and --approved exclude each other', 'leave one of the two out');
  const [{ readOwnedFile }, { parseLimits }] = await Promise.all([
    import('../scenario/owned-file.js'),
    import('../../../core/plan/limits.js'),
  ]);
  return parseLimits(policy, readOwnedFile(`--policy ${policy}`, policy, 'name a file of root with the limits'));
}

async function runBy(given: RunArguments, toolVersion: string): Promise<number> {
  const limits = await limitsOf(given);
  const timeout = given.timeout ?? (limits === null ? undefined : `${limits.timeMs}ms`);
  const args = { ...given, limits, timeout };
  if (args.file.length === 0) {
    const chosen = args.class.length > 0 ? args.class : (limits?.classes ?? []);
    const within = limits === null ? {} : { rate: args.rate ?? limits.rate, for: args.for ?? `${limits.timeMs}ms` };
    return (await import('./whole.js')).wholeCommand({ ...args, ...within, class: chosen, toolVersion });
  }
  checkNarrowing(args);
  return (await import('./run.js')).runCommand({ ...args, files: args.file, toolVersion });
}

export const defineRun = command(
  'run [file..]',
  'examine this host, or run scenarios: send, listen, judge',
  withRunOptions,
  runBy,
);

/** `replay` judges the test case again. */
export const defineRecord = command(
  'record <file>',
  'run a scenario and keep its capture as a test case',
  (parser) =>
    parser.positional('file', operand('scenario file')).options({
      into: { ...textArgument('folder for the case: new or empty'), demandOption: true },
      engine: commonOptions.engine,
      quiet: commonOptions.quiet,
    }),
  async (args, toolVersion) => (await import('./record.js')).recordCommand({ ...args, toolVersion }),
);

/** The project's namesake experiment. `--deafen` shows that a killed observer is noticed. */
export const defineDemo = command(
  'demo',
  'run the experiment that this project is named after',
  (parser) =>
    parser.options({
      deafen: textArgument('kill the ear of this observer in the middle: the verdict has to become INCONCLUSIVE'),
      out: textArgument('folder for the evidence'),
      json: commonOptions.json,
      wide: commonOptions.wide,
      verbose: flagArgument('print all that is known, not the answer alone'),
      quiet: commonOptions.quiet,
      engine: commonOptions.engine,
    }),
  async (args, toolVersion) => (await import('./demo.js')).demoCommand({ ...args, toolVersion }),
);
