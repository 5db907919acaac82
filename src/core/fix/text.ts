import { hostOf } from '../model/host-names.js';
import type { Plan } from '../model/plan.js';
import { word } from '../text/escape.js';

/** One word of a command: bare, or in single quotes, which a quote inside leaves and enters again (`'\''`). */
const wordPattern = /(?:[^\s'\\]|'[^']*'|\\.)+/g;

/** The commands of a fix as a cause words it, split at `&&`, each as it is pasted and as an argument vector. */
export function splitFix(fix: string): readonly { readonly text: string; readonly argv: readonly string[] }[] {
  return fix.split(' && ').flatMap((part) => {
    const text = part.trim();
    const argv = [...text.matchAll(wordPattern)].map(([quoted]) =>
      quoted.replaceAll(
        /'([^']*)'|\\(.)/g,
        (_whole, inQuotes: string | undefined, escaped: string | undefined) => inQuotes ?? escaped ?? '',
      ),
    );
    return argv.length === 0 ? [] : [{ text, argv }];
  });
}

/**
 * A fix as it is pasted on the orchestrator's host: what is for another one is sent there with ssh(1), under the names
 * that its kernel knows.
 */
export function fixOnHost(fix: string, bridge: string, plan: Pick<Plan, 'hosts'>): string {
  const name = hostOf(bridge);
  if (name === null || fix === '') return fix;
  const there = fix.replaceAll(`${name}/`, '');
  const target = plan.hosts?.find((host) => host.name === name)?.ssh ?? null;
  return target === null ? there : `ssh ${word(target)} ${word(there)}`;
}
