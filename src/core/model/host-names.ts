/**
 * Names across hosts. What is on another host than the orchestrator's is called `HOST/NAME`: no interface can be called
 * so, since the kernel allows no slash in a name (dev_valid_name, net/core/dev.c). What has no host in its name is
 * here.
 */
export function onHost(host: string | null, name: string): string {
  return host === null ? name : `${host}/${name}`;
}

/** The host in a name; null = here. */
export function hostOf(name: string): string | null {
  const slash = name.indexOf('/');
  return slash < 0 ? null : name.slice(0, slash);
}

/**
 * The name as the kernel of its host knows it. Of a bridge it is also the segment: bridges of one name in a scenario
 * are parts of one network, on as many hosts as it has endpoints.
 */
export function bareName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** True if two endpoints hang on parts of one network. */
export function sameSegment(first: { readonly bridge: string }, second: { readonly bridge: string }): boolean {
  return first.bridge === second.bridge || bareName(first.bridge) === bareName(second.bridge);
}
