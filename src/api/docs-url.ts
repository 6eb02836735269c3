/** Returns the address of a page of the documentation, such as `library.md`. Installed copies have no docs folder. */
export function docsUrl(page: string): string {
  return `https://github.com/your-org/durable-export/blob/main/docs/${page}`;
}
