import { presetNames } from '../../../core/discover/presets.js';
import { probeClasses } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import type { DefineCommand } from '../../command.js';
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

/** `run FILE…`: carries scenarios out and judges what was seen. */
export const defineRun: DefineCommand = (parser, context) => {
  parser.command(
    'run [file..]',
    'examine this host, or run scenarios: send, listen, judge',
    (options) =>
      options
        .positional('file', {
          type: 'string',
          array: true,
          default: [],
          describe: 'scenario files; none: every guest of this host',
        })
        .option('twin', {
          type: 'boolean',
          default: false,
          describe: 'instead of a file: rebuild a live bridge in the lab and attack it there',
        })
        .option('preset', {
          choices: presetNames,
          requiresArg: true,
          describe: 'instead of a file: the catalogue, on a bridge of this host as it runs',
        })
        .option('bridge', {
          type: 'string',
          requiresArg: true,
          describe: 'without a file: only this bridge; with --twin, --preset: the bridge, where there are several',
        })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'without a file: the network namespace of the bridges: a name of ip netns, or a path',
        })
        .option('what-if', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe:
            'with --twin: run it again with DEVICE.SETTING=VALUE, as in br0.ageing_time=0, and say what differs',
        })
        .option('class', {
          choices: probeClasses,
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'without a file: only this class of probes, also one that is not asked by default',
        })
        .option('guest', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'without a file: only this guest, by its name or port, and those that are named likewise',
        })
        .option('zone', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'without a file: only guests of this zone',
        })
        .option('rate', {
          type: 'number',
          requiresArg: true,
          describe: 'without a file: frames a second; those that may flood out of an uplink never exceed 10',
        })
        .option('for', {
          type: 'string',
          requiresArg: true,
          describe: 'without a file: stop after this time, such as 30s: as many rounds as fit into it',
        })
        .option('strict', {
          type: 'boolean',
          default: false,
          describe: 'what is open by design (EXPOSED) is a leak too, and no guest may be observed only',
        })
        .option('out', {
          type: 'string',
          requiresArg: true,
          describe: 'folder for the evidence; several files get a sub-folder each',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON and nothing else' })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
        .option('picture', {
          type: 'boolean',
          default: false,
          describe: 'before the answer a picture: who hangs where, and who overhears whom',
        })
        .option('verbose', {
          type: 'boolean',
          default: false,
          describe: 'progress line by line, and all that is known at the end',
        })
        .option('engine', {
          choices: ['auto', 'libpcap', 'cap'] as const,
          default: 'auto' as const,
          describe: 'how to capture',
        })
        .option('reporter', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: reporterHelp,
        })
        .option('baseline', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'evidence folder of an earlier run: fail only on leaks that it has not',
        })
        .option('keep', {
          choices: ['leaks', 'all'] as const,
          default: 'all' as const,
          describe:
            'which frames stay in the evidence: all, or leaks and what else a judge looks at closer (the others are counted)',
        })
        .option('set', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'NAME=VALUE: a value for a variable of the scenario',
        })
        .option('grep', {
          type: 'string',
          requiresArg: true,
          describe: 'judge only steps whose name matches this regular expression',
        })
        .option('repeat', { type: 'number', requiresArg: true, default: 1, describe: 'number of runs per file' })
        .option('shuffle', {
          coerce: seedOf,
          describe: 'run the files in an order drawn from a seed, which is printed; --shuffle=SEED repeats it',
        })
        .option('timeout', {
          type: 'string',
          requiresArg: true,
          describe: 'stop after this time, such as 90s; what was not done is inconclusive',
        })
        .option('linger', {
          type: 'string',
          requiresArg: true,
          describe: 'listen this long after the last probe of each step, such as 10s, for what comes late',
        })
        .option('yes', { type: 'boolean', default: false, describe: 'do not ask before sending' })
        .option('prove-fix', {
          type: 'boolean',
          default: false,
          describe: 'in the lab: after a leak try each fix, repeat the step, show before and after',
        })
        .option('approved', {
          type: 'string',
          requiresArg: true,
          describe: 'on a host: send only if the plan has this SHA-256 (plan --hash)',
        })
        .option('progress', {
          choices: ['auto', 'json'] as const,
          default: 'auto' as const,
          describe: 'json: progress as an event a line on stderr, for programs',
        })
        .option('dry-run', {
          alias: 'rehearse',
          type: 'boolean',
          default: false,
          describe: 'on a host: do everything but send, and say READY or what is missing',
        })
        .option('payload', {
          type: 'boolean',
          default: false,
          describe: 'on a host: keep the traffic of guests too, whole',
        })
        .option('operator', { type: 'string', requiresArg: true, describe: 'responsible person, for run.json' })
        .option('sign', {
          type: 'string',
          requiresArg: true,
          describe:
            'sign the evidence with this OpenSSH key, as attest does; on a host also where VERIFY_ISOLATION_SIGN_KEY names one',
        })
        .option('ticket', { type: 'string', requiresArg: true, describe: 'change ticket, for run.json' })
        .option('allow-changes', { type: 'boolean', default: false, describe: 'on a host: steps may change it' })
        .option('allow-disruptive', {
          type: 'boolean',
          default: false,
          describe: 'on a host: disruptive probes may run',
        })
        .option('allow-new-macs', {
          type: 'boolean',
          default: false,
          describe: 'on a host: source MACs that nobody has may leave the NIC',
        })
        .option('allow-run', { type: 'boolean', default: false, describe: 'run may start any program' })
        .check(
          ({ repeat }) =>
            (Number.isInteger(repeat) && repeat >= 1 && repeat <= 1000) ||
            '--repeat: expected a whole number from 1 to 1000',
        ),
    async (args) => {
      if (args.twin) {
        if (args.file.length > 0)
          throw new VerifyError(
            'usage',
            64,
            '--twin takes no file: the scenario is read from the bridge',
            'leave one of the two out',
          );
        const { twinCommand } = await import('../twin/twin.js');
        context.setStatus(await twinCommand(args));
        return;
      }
      if (args.preset !== undefined) {
        if (args.file.length > 0)
          throw new VerifyError(
            'usage',
            64,
            '--preset takes no file: the scenario is made for the bridge',
            'leave one of the two out',
          );
        const { presetCommand } = await import('./preset.js');
        context.setStatus(await presetCommand({ ...args, preset: args.preset, toolVersion: context.version }));
        return;
      }
      if (args.file.length === 0) {
        if (args.whatIf.length > 0)
          throw new VerifyError('usage', 64, '--what-if: only with --twin', 'a live bridge is not changed');
        const { wholeCommand } = await import('./whole.js');
        context.setStatus(await wholeCommand({ ...args, toolVersion: context.version }));
        return;
      }
      const ofTwin = [
        ['bridge', args.bridge !== undefined],
        ['netns', args.netns !== undefined],
        ['what-if', args.whatIf.length > 0],
        ['class', args.class.length > 0],
        ['guest', args.guest.length > 0],
        ['zone', args.zone.length > 0],
        ['rate', args.rate !== undefined],
        ['for', args.for !== undefined],
      ] as const;
      const stray = ofTwin.filter(([, given]) => given).map(([name]) => `--${name}`);
      if (stray.length > 0)
        throw new VerifyError(
          'usage',
          64,
          `${stray.join(', ')}: only without a file`,
          'a scenario file says such things itself',
        );
      const { runCommand } = await import('./run.js');
      context.setStatus(await runCommand({ ...args, files: args.file, toolVersion: context.version }));
    },
  );
};

/** `record FILE --into DIR`: runs a scenario and keeps it as a test case that `replay` judges again. */
export const defineRecord: DefineCommand = (parser, context) => {
  parser.command(
    'record <file>',
    'run a scenario and keep its capture as a test case',
    (options) =>
      options
        .positional('file', { type: 'string', demandOption: true, describe: 'scenario file' })
        .option('into', {
          type: 'string',
          requiresArg: true,
          demandOption: true,
          describe: 'folder for the case: new or empty',
        })
        .option('engine', {
          choices: ['auto', 'libpcap', 'cap'] as const,
          default: 'auto' as const,
          describe: 'how to capture',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' }),
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
      options
        .option('deafen', {
          type: 'string',
          requiresArg: true,
          describe: 'kill the ear of this observer in the middle: the verdict has to become INCONCLUSIVE',
        })
        .option('out', { type: 'string', requiresArg: true, describe: 'folder for the evidence' })
        .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON and nothing else' })
        .option('picture', {
          type: 'boolean',
          default: false,
          describe: 'before the answer a picture: who hangs where, and who overhears whom',
        })
        .option('verbose', {
          type: 'boolean',
          default: false,
          describe: 'print all that is known, not the answer alone',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
        .option('engine', {
          choices: ['auto', 'libpcap', 'cap'] as const,
          default: 'auto' as const,
          describe: 'how to capture',
        }),
    async (args) => {
      const { demoCommand } = await import('./demo.js');
      context.setStatus(await demoCommand({ ...args, toolVersion: context.version }));
    },
  );
};
