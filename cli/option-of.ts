import { Option } from "commander";

/** An option with values that help and completion tell; others are taken too, since a Worker may know more. */
export function optionOf(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  // `choices()` would also refuse every other value.
  option.argChoices = [...values];
  return option;
}
