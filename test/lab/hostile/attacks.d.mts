/** By name: what the verdict may be while the bridge holds, and the reason that then has to be among those told. */
export const attacks: Readonly<Record<string, { readonly verdict: string; readonly reason?: string }>>;
