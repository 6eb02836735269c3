/** Shorter secrets would turn ordinary text into stars. */
const SECRET_LENGTH_MIN = 4;

/** The values that must never be shown, and the one place that removes them from texts. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string | undefined): void {
    if (value !== undefined && value.trim().length >= SECRET_LENGTH_MIN) {
      this.#values.add(value.trim());
    }
  }

  /** Returns `text` with stars in place of every known secret, plain or URL-encoded. */
  redact(text: string): string {
    let clean = text;
    for (const value of this.#values) {
      clean = clean.replaceAll(value, "***").replaceAll(encodeURIComponent(value), "***");
    }
    return clean;
  }
}
