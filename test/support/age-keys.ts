/** A key pair of age for tests: whatever it seals is public. */
export const TEST_IDENTITY =
  "AGE-SECRET-KEY-1F765WRWA59WUZ6DYTKAKVC4J5GJ59DCTY4P6HUDPGUD9EHLYHCUSZ5676A";
export const TEST_RECIPIENT = "age1aeguev9wdyauaclzxnaawkfkcwz49dypnjwklxcfssnlcmynyf2stflhy6";
