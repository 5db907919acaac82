import { phases } from '../../core/model/plan.js';
import type { Provenance } from '../../core/model/provenance.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { counted } from '../../core/text/escape.js';
import { lingerText, notAskedTexts, trustedTexts } from '../limits.js';
import type { RunDetails } from '../reporter.js';
import { sabotageText } from '../word.js';
import { html, type Markup, nothing } from './markup.js';

function row(index: number, step: StepResult, details: RunDetails | null): Markup {
  const sum = (pick: (observer: StepResult['observers'][number]) => number): number =>
    step.observers.reduce((total, observer) => total + pick(observer), 0);
  const [sent, seen] = [sum((observer) => observer.controlsSent), sum((observer) => observer.controlsSeen)];
  const [received, dropped] = [sum((observer) => observer.received), sum((observer) => observer.dropped)];
  const changed = step.reasons.filter((reason) => reason.code === 'settings-changed').length;
  const states = details?.states[index];
  let unchanged = '? not read';
  if (states !== undefined && states.before !== null && states.after !== null)
    unchanged = changed === 0 ? '✔ nothing changed' : `✖ ${counted(changed, 'change', 'changes')}`;
  const bounds = step.findings.flatMap((finding) =>
    finding.seen === 0 && finding.upperBound95 !== null ? [finding.upperBound95] : [],
  );
  const sentPhases = new Set(
    details?.timeline.flatMap((entry) =>
      entry.step === index && entry.event === 'controls-sent' ? [entry.phase] : [],
    ),
  );
  const when = details === null ? '' : `, ${phases.filter((phase) => sentPhases.has(phase)).join(', ')}`;
  const mark = (good: boolean): string => (good ? '✔' : '✖');
  return html`<tr><td class="n">${index + 1}</td><th scope="row">${step.name}</th><td>${sent === 0 ? '–' : `${mark(sent === seen)} ${seen} of ${sent}${when}`}</td><td>${step.entry.sent === 0 ? '–' : `${mark(step.entry.sent === step.entry.seen)} ${step.entry.seen} of ${step.entry.sent}`}</td><td>${mark(dropped === 0)} ${dropped} of ${received}</td><td>${unchanged}</td><td class="n">${bounds.length === 0 ? '–' : `${(Math.ceil(Math.max(...bounds) * 10_000) / 100).toFixed(2)} %`}</td></tr>`;
}

function limitsMarkup(result: Result): Markup {
  const until = lingerText(result);
  return html`${trustedTexts(result).map((text) => html`<p><strong>Trusted</strong> not to carry frames past the ears: ${text}.</p>`)}${notAskedTexts(result).map((text) => html`<p><strong>Not asked:</strong> ${text}.</p>`)}${until === null ? nothing : html`<p><strong>Time:</strong> it ${until}; what comes later is not in the verdict.</p>`}`;
}

/** What every zero rests on: without all of these a zero says nothing. */
export function proofSection(result: Result, details: RunDetails | null): Markup {
  const { coverage } = result;
  const judged = result.steps.map((step, index) => ({ step, index })).filter(({ step }) => step.observers.length > 0);
  return html`<section aria-labelledby="proof"><h2 id="proof">What every zero rests on</h2>
<p>A zero counts only where the observer could have seen something: it listened and saw control frames of its own (ears), the probes are known to have entered the bridge (entry), the kernel dropped nothing, and no setting changed meanwhile.</p>
<p><strong>Coverage:</strong> ${coverage.observed} of ${counted(coverage.ports, 'port')} observed${coverage.complete ? ', complete.' : '.'}${coverage.unobserved.length === 0 ? nothing : html` Not observed: ${coverage.unobserved.slice(0, 50).map((each) => `${each.port} (${each.reason}); `)}`}</p>
${result.evidence.keep === undefined ? nothing : html`<p><strong>Kept:</strong> leaks, controls and what else is looked at closer. ${counted(result.evidence.discarded ?? 0, 'frame was', 'frames were')} counted, token by token, and not kept (<code>--keep leaks</code>, or beyond the first 1000 leaks at an observer of a mesh); with those that were kept they add up to what was captured.</p>`}
${result.calibration === undefined ? nothing : html`<p><strong>Calibration:</strong> a leak planted in a lab on this kernel right before was seen: ${result.calibration.seen} of ${result.calibration.planted} frames.</p>`}${(result.precheck ?? []).map(({ code, place, value, text }) => html`<p><strong>Beside the bridge:</strong> ${code}: ${place} (${value}): ${text}.</p>`)}
${limitsMarkup(result)}<div class="wide" tabindex="0" role="region" aria-label="Proof by step"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">claim</th><th scope="col">ears: controls seen</th><th scope="col">entry: controls received</th><th scope="col">dropped of captured</th><th scope="col">settings</th><th scope="col" class="n">at most this share leaks (95 %)</th></tr></thead><tbody>${judged.map(({ step, index }) => row(index, step, details))}</tbody></table></div></section>`;
}

function whoAndWhere(provenance: Provenance | undefined): Markup {
  if (provenance === undefined) return nothing;
  const { who, where, when } = provenance;
  const names = [
    `uid ${who.uid}`,
    ...(who.loginUid === null ? [] : [`logged in as uid ${who.loginUid}`]),
    ...(who.sudoUser === null ? [] : [`sudo by ${who.sudoUser}`]),
    ...(who.operator === null ? [] : [`operator ${who.operator}`]),
    ...(who.ticket === null ? [] : [`ticket ${who.ticket}`]),
  ];
  const clock = when.clock.before;
  let rating = clock === null ? 'not rated' : 'not synchronized';
  if (clock?.synchronized === true) rating = `synchronized, within ${clock.maxErrorUs} µs`;
  return html`<dt>who</dt><dd>${names.join(', ')}</dd><dt>machine</dt><dd>${where.host}, ${where.distribution ?? 'distribution not reported'}; clock ${rating}</dd>`;
}

/** Who ran it, with what, and the hashes of what it rests on. */
export function provenanceSection(result: Result, details: RunDetails | null): Markup {
  const run = details?.run;
  const entry = (name: string, text: string): Markup => html`<dt>${name}</dt><dd>${text}</dd>`;
  return html`<section aria-labelledby="provenance"><h2 id="provenance">Who ran it, and the hashes</h2><dl>${entry('run', `${result.run.id}, ${result.run.startedAt}, ${(result.run.durationMs / 1000).toFixed(1)} s`)}${entry('scenario', `${result.scenario.name}, ${result.scenario.file}, SHA-256 ${result.scenario.sha256}`)}${entry('program', `${result.tool.name} ${result.tool.version}, verdict rules ${result.tool.verdictRules}`)}${run === undefined ? nothing : html`${entry('where', run.provider === 'lab' ? `a lab of network namespaces, as ${run.runsAs}: it shows what this kernel does with these settings` : `this host, as ${run.runsAs}`)}${whoAndWhere(run.provenance)}${entry('kernel, Node', `${run.kernel}, ${run.node}`)}${entry('capture', run.engine)}${entry('key', run.key === null ? 'lost: tokens cannot be checked' : `revealed after the capture was closed; its SHA-256 ${details?.plan.keySha256 ?? ''} was written down before the first frame`)}`}</dl><details><summary>SHA-256 of the files of the evidence</summary><div class="wide" tabindex="0" role="region" aria-label="Hashes"><table><thead><tr><th scope="col">file</th><th scope="col">SHA-256</th></tr></thead><tbody>${result.evidence.files.map((file) => html`<tr><td>${file.path}</td><td><code>${file.sha256}</code></td></tr>`)}</tbody></table></div></details></section>`;
}

/** How it was measured, and what the verdict does not say. */
export function methodSection(result: Result): Markup {
  return html`<section aria-labelledby="method"><h2 id="method">Method and limits</h2>
<p>Frames that only this run could have made (each carries a token) were sent as one guest, while libpcap listened on every other port of the bridge. A frame seen where it was not allowed is a leak, whatever else failed. A zero counts only with its proof; where a piece of proof is missing the verdict is inconclusive.</p>
<ul><li>Nothing is said about frames that were not sent. With n frames and none overheard, at most 1 − 0.05^(1/n) of such frames leak, at 95 % confidence.</li><li>Nothing about other moments: settings change, entries age, guests learn.</li><li>Nothing about side channels, shared storage, the hypervisor itself, or a guest that breaks out of it.</li><li>In a lab nothing about your host: it shows what the kernel does with these settings.</li></ul>
<p>To judge the evidence again, on any machine: <code>verify-isolation replay DIR</code>, with the folder that this report lies in. It comes to the same result, byte for byte.</p><p>The version that judged was ${sabotageText(result)}.</p></section>`;
}
