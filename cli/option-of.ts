import { Option } from "commander";

/**
 * Returns an option whose known values help and completion list; other values are accepted too,
 * since a Worker may know more.
 */
export function optionOf(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  // `choices()` would also refuse every other value.
  option.argChoices = [...values];
  return option;
}
