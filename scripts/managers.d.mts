export function prepareManagers():
  | { readonly folder: string; readonly skip?: undefined }
  | { readonly skip: string; readonly folder?: undefined };
