import { Option } from "commander";

/**
 * Creates an option with known values, which help and completion list. Other values are accepted too, since a
 * Worker may know more of them.
 */
export function optionOf(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  // `choices()` would also refuse every other value.
  option.argChoices = [...values];
  return option;
}

/** An option that may be repeated; its value is the list of all values. */
export function repeatedOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(
    (value: string, values: string[] | undefined) => [...(values ?? []), value],
  );
}
