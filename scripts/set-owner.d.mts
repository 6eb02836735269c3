/** The GitHub repository as every file names it. Until this script has run, the owner is a placeholder. */
export const GITHUB_REPOSITORY: string;

/**
 * Replaces `GITHUB_REPOSITORY` by `repository` (`OWNER/REPO`) in all files that Git tracks in `folder`.
 * Returns the changed paths. Throws, and changes nothing, if GitHub does not allow the name.
 */
export function setRepository(folder: string, repository: string): string[];
