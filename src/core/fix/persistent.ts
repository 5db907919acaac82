import type { Change } from '../model/fabric.js';
import type { ConfigurationManager, PersistentFix } from '../model/fix.js';
import type { Cause, GroupCause, StepResult } from '../model/result.js';
import { deviceOf } from './command-of.js';
import { hostWideForm } from './managers/host-wide.js';
import { interfacesForm } from './managers/interfaces.js';
import { libvirtForm } from './managers/libvirt.js';
import { netplanForm } from './managers/netplan.js';
import { networkManagerForm } from './managers/network-manager.js';
import { proxmoxForm } from './managers/proxmox.js';
import { type FormPart, plainBlock, type Wanted, targetsOf } from './wanted.js';
import { groupBy } from '../text/collections.js';

/** Adds persistent forms. `undefined`: managers were not looked for. */
export function withPersistentFixes(
  result: StepResult,
  keepers: readonly ConfigurationManager[] | undefined,
): StepResult {
  if (keepers === undefined) return result;
  const formsOf = formsByCode(result, keepers);
  const withForms = (cause: Cause): Cause => {
    const persistent = formsOf(cause.code, cause.fix, cause.changes);
    return persistent.length === 0 ? cause : { ...cause, lasting: persistent };
  };
  const reportOfGroup = (cause: GroupCause): GroupCause => {
    const persistent = formsOf(cause.code, cause.fixes.join(' && '), cause.changes);
    return persistent.length === 0 ? cause : { ...cause, lasting: persistent };
  };
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.causes.length === 0 ? finding : { ...finding, causes: finding.causes.map(withForms) },
    ),
    ...(result.groups === undefined
      ? {}
      : { groups: result.groups.map((group) => ({ ...group, causes: group.causes.map(reportOfGroup) })) }),
  };
}

/** Causes of one code are fixed together, other codes are alternatives. */
function formsByCode(
  { findings, groups = [] }: StepResult,
  keepers: readonly ConfigurationManager[],
): (code: string, text: string, changes?: readonly Change[]) => readonly PersistentFix[] {
  const fixes = new Map<string, Map<string, readonly Change[]>>();
  const note = (code: string, text: string, changes: readonly Change[] = []): void => {
    const ofCode = fixes.get(code) ?? new Map<string, readonly Change[]>();
    if (!ofCode.has(text)) ofCode.set(text, changes);
    fixes.set(code, ofCode);
  };
  for (const { causes } of findings) for (const { code, fix, changes } of causes) note(code, fix, changes);
  for (const group of groups)
    for (const cause of group.causes) note(cause.code, cause.fixes.join(' && '), cause.changes);
  const forms = new Map(
    [...fixes].map(([code, ofCode]) => [code, formsTogether([...ofCode.values()].flat(), keepers)] as const),
  );
  const known = new Map<string, readonly PersistentFix[]>();
  return (code, text, changes = []) => {
    const key = `${code}\0${text}`;
    const persistent = known.get(key) ?? forms.get(code)?.(changes) ?? [];
    known.set(key, persistent);
    return persistent;
  };
}

function formOf(manager: ConfigurationManager, wanted: readonly Wanted[]): readonly FormPart[] {
  switch (manager.by) {
    case 'libvirt':
      return libvirtForm(manager, wanted);
    case 'Proxmox VE':
      return proxmoxForm(manager, wanted);
    case 'netplan':
      return netplanForm(manager, wanted);
    case 'ifupdown2':
    case 'ifupdown':
      return interfacesForm(manager, wanted);
    case 'NetworkManager':
      return networkManagerForm(manager, wanted);
  }
}

function withoutRepeats(wanted: readonly Wanted[]): readonly Wanted[] {
  const keyOf = (wish: Wanted): string =>
    JSON.stringify(wish.kind === 'bridge' || wish.kind === 'port' ? { ...wish, value: '' } : wish);
  const known = new Map<string, Wanted>();
  for (const wish of wanted) if (!known.has(keyOf(wish))) known.set(keyOf(wish), wish);
  return [...known.values()];
}

function fileText(forms: readonly FormPart['form'][]): string {
  const files = forms.map((form) => (typeof form === 'string' ? { head: [], blocks: [plainBlock(form)] } : form));
  const blocks = new Map<string, { readonly glue: string; readonly texts: Set<string> }>();
  for (const { under, glue, text } of files.flatMap((file) => file.blocks)) {
    const block = blocks.get(under) ?? { glue, texts: new Set() };
    blocks.set(under, block);
    block.texts.add(text);
  }
  const bodies = [...blocks].map(([under, { glue, texts }]) => [...(under === '' ? [] : [under]), ...texts].join(glue));
  return [...(files[0]?.head ?? []), ...bodies].join('\n');
}

/** A second form would overwrite the file. */
function inOneFile(parts: readonly FormPart[]): readonly PersistentFix[] {
  const files = groupBy(parts, ({ where, by, device, note }) =>
    JSON.stringify(where === '' ? [by, device, note] : where),
  );
  const sentences = (texts: readonly string[]): string => [...new Set(texts)].filter((text) => text !== '').join('; ');
  return [...files.values()].flatMap((same) =>
    same.slice(0, 1).map((part) => ({
      ...part,
      form: fileText(same.map(({ form }) => form)),
      apply: sentences(same.map(({ apply }) => apply)),
      note: sentences(same.map(({ note }) => note)),
    })),
  );
}

/** Persistent forms by these managers. Empty if nothing can be kept, or no manager has the device. */
export function persistentFixes(
  changes: readonly Change[],
  keepers: readonly ConfigurationManager[],
): readonly PersistentFix[] {
  const wanted = withoutRepeats(targetsOf(changes));
  const devices = [...new Set(wanted.map(deviceOf).filter((device) => device !== null))];
  return inOneFile([
    ...devices.flatMap((device) => {
      const manager = keepers.find((manager) => manager.device === device);
      return manager === undefined
        ? []
        : formOf(
            manager,
            wanted.filter((wish) => deviceOf(wish) === device),
          );
    }),
    ...hostWideForm(wanted),
  ]);
}

const isWholeFile = (where: string): boolean => /^\/\S+$/.test(where);

/** Forms of several fixes, with one content for a shared file. */
export function formsTogether(
  together: readonly Change[],
  keepers: readonly ConfigurationManager[],
): (changes: readonly Change[]) => readonly PersistentFix[] {
  const complete = new Map(persistentFixes(together, keepers).map((fix) => [fix.where, fix]));
  return (changes) =>
    persistentFixes(changes, keepers).map((fix) => (isWholeFile(fix.where) ? (complete.get(fix.where) ?? fix) : fix));
}
