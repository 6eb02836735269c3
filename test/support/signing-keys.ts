/** A key pair that signs manifests in tests: nobody may trust it. */
export const TEST_SIGNING_KEY = "MC4CAQAwBQYDK2VwBCIEIDYhv9NkmhtHDnwFA6IehgLJwD7fZl00zo1+RaGQ7rlV";
export const TEST_PUBLIC_KEY = "MCowBQYDK2VwAyEApChCPdFr6A7hyrkKVWpuJhrX/9Mfs9fGCsv186e1SH8=";
