type Prepared =
  | { readonly folder: string; readonly skip?: undefined }
  | { readonly skip: string; readonly folder?: undefined };
export function prepareManagers(): Prepared;
export function prepareGuestManagers(): Prepared;
