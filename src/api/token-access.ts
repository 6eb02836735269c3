/** What a token allows. Each level includes the levels before it. */
export const TOKEN_ACCESSES = ["read", "job", "full"] as const;

export type TokenAccess = (typeof TOKEN_ACCESSES)[number];
