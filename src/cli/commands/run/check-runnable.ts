import type { Scenario } from '../../../core/model/scenario.js';
import { hostDisruptiveClasses } from '../../../core/probe/classes.js';
import { VerifyError, usageError } from '../../../core/model/verify-error.js';
import { settingsOf } from '../../../core/model/settings.js';
import { unsupportedKeys } from '../../../core/scenario/unsupported.js';
import { checkStarts } from '../scenario/check-starts.js';

export interface RunnableOptions {
  readonly allowRun: boolean;
  readonly allowChanges?: boolean;
  readonly allowDisruptive?: boolean;
  readonly allowFrames?: boolean;
  readonly proveFix?: boolean;
}

function changes(step: Scenario['steps'][number]): boolean {
  return [
    step.set,
    step.vlan.add,
    step.vlan.del,
    step.fdb.flush,
    step.fdb.add,
    step.fdb.del,
    step.mdb.add,
    step.mdb.del,
    step.start,
    step.stop,
    step.during,
    Object.keys(step.sysctl),
  ].some((list) => list.length > 0);
}

/** VerifyError for all files at once: 64 for missing permission, 69 for unsupported parts. */
export function checkRunnable(scenarios: readonly Scenario[], options: RunnableOptions): void {
  checkStarts(scenarios, options.allowRun);
  if (options.allowChanges !== true) checkChanges(scenarios);
  if (options.allowFrames !== true) checkFrames(scenarios);
  if (options.allowDisruptive !== true) checkDisruptive(scenarios);
  checkProviders(scenarios);
  if (options.proveFix === true) checkFixTrials(scenarios);
  checkSupported(scenarios, options.proveFix === true);
}

const isOnHost = ({ topology }: Scenario): boolean => topology.provider === 'host';

function checkChanges(scenarios: readonly Scenario[]): void {
  const changing = scenarios.filter(
    (scenario) =>
      isOnHost(scenario) &&
      (settingsOf(scenario.topology).length > 0 ||
        scenario.topology.bridges.some(({ mirrors }) => mirrors.length > 0) ||
        scenario.steps.some(changes)),
  );
  if (changing.length > 0)
    throw new VerifyError(
      'changes-not-allowed',
      64,
      changing.map(({ file }) => `${file}: it changes this host`).join('\n'),
      '`plan` prints the changes; --allow-changes lets the run make them, and it puts them back',
    );
}

function checkDisruptive(scenarios: readonly Scenario[]): void {
  const disruptive = scenarios
    .filter(isOnHost)
    .flatMap(({ file, steps }) =>
      [...new Set(steps.flatMap(({ probes }) => probes.map((probe) => probe.class)))]
        .filter((name) => hostDisruptiveClasses.includes(name))
        .map((name) => `${file}: ${name} disturbs guests of this host`),
    );
  if (disruptive.length > 0)
    throw new VerifyError(
      'disruptive-not-allowed',
      64,
      disruptive.join('\n'),
      '--allow-disruptive lets it; nothing was sent',
    );
}

function checkFrames(scenarios: readonly Scenario[]): void {
  const writing = scenarios.filter(
    (scenario) =>
      isOnHost(scenario) && scenario.steps.some(({ probes }) => probes.some((probe) => probe.class === 'frame')),
  );
  if (writing.length > 0)
    throw new VerifyError(
      'frames-not-allowed',
      64,
      writing.map(({ file }) => `${file}: it sends frames of its own to guests of this host`).join('\n'),
      '`plan FILE --hex` prints them; --allow-frames and --allow-disruptive let the run send them',
    );
}

function checkProviders(scenarios: readonly Scenario[]): void {
  if (new Set(scenarios.map(({ topology }) => topology.provider)).size > 1)
    throw new VerifyError(
      'providers-mixed',
      64,
      'some files have provider: lab, others provider: host',
      'run them one after the other',
    );
}

function checkFixTrials(scenarios: readonly Scenario[]): void {
  const live = scenarios.filter(isOnHost);
  if (live.length > 0)
    throw usageError(
      live
        .map(({ file }) => `${file}: --prove-fix changes what it runs on, and this scenario runs on the host`)
        .join('\n'),
      'try fixes in the lab',
    );
}

function checkSupported(scenarios: readonly Scenario[], proveFix: boolean): void {
  const unsupported = scenarios.flatMap((scenario) =>
    unsupportedKeys(scenario).map((key) => `${scenario.file}: not supported yet: ${key}`),
  );
  const severalHosts = proveFix ? scenarios.filter(({ topology }) => topology.hosts !== undefined) : [];
  const missing = [
    ...unsupported,
    ...severalHosts.map(({ file }) => `${file}: not supported yet: --prove-fix where the topology has "hosts"`),
  ];
  if (missing.length > 0)
    throw new VerifyError('unsupported', 69, missing.join('\n'), 'leave it out, or use a version that supports it');
}
