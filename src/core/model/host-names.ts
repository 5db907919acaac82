/**
 * Names across hosts: `HOST/NAME` for another host than the orchestrator's, since the kernel allows no slash in an
 * interface's name (dev_valid_name, net/core/dev.c). A name without a host is here.
 */
export function onHost(host: string | null, name: string): string {
  return host === null ? name : `${host}/${name}`;
}

/** null = here. */
export function hostOf(name: string): string | null {
  const slash = name.indexOf('/');
  return slash < 0 ? null : name.slice(0, slash);
}

/** The name on its own host, which parts of a segment share. */
export function bareName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** True on parts of one segment. */
export function sameSegment(first: { readonly bridge: string }, second: { readonly bridge: string }): boolean {
  return first.bridge === second.bridge || bareName(first.bridge) === bareName(second.bridge);
}
