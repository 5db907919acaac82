type Prepared =
  | { readonly words: readonly string[]; readonly skip?: undefined }
  | { readonly skip: string; readonly words?: undefined };
export function prepareArm64(): Prepared;
