/** One phrase that reads as a translation, and what an American engineer would write. */
interface Rule {
  pattern: RegExp;
  instead: string;
}

/**
 * Phrases that no page, description, message or hint of this project contains. STYLE's table made a list of
 * patterns: each must be rare in good English, so that a hit is nearly always a fault.
 */
export const RULES: readonly Rule[] = [
  { pattern: /\bas where\b/i, instead: "as if, as when" },
  {
    pattern:
      /(?:^|[,;:(.] ?)where (?:there|it|that|this|no|none|nothing|nobody|a|an|the|all|both|one|some|they|you|several|SQLite|R2|D1)\b/i,
    instead: "if, when",
  },
  { pattern: /\b(?:is|are|was|be|been) told\b/i, instead: "reports, is reported" },
  {
    pattern: /\btells? (?:of|that|what|whether|how|which|why|where|apart)\b/i,
    instead: "describes, reports",
  },
  { pattern: /\b(?:is|are|was) to be \w+ed\b/i, instead: "must be, will be" },
  { pattern: /\b(?:has|have|had) to be\b/i, instead: "must be" },
  { pattern: /\b(?:goes|went|going|go) on\b(?! to)/i, instead: "resumes, continues" },
  {
    pattern: /\b(?:begins?|begun|began|beginning) again\b|\bnew beginnings?\b/i,
    instead: "restarts",
  },
  { pattern: /\b(?:whoever|whosoever)\b/i, instead: "callers that, anyone who" },
  { pattern: /\bwhatever (?:answers|was|has|they)\b/i, instead: "any … that" },
  {
    pattern:
      /\b(?:a|each|every|one|another|next|last|earlier|late|this|its) try\b|\btries of\b|\b(?:a|one) try too many\b/i,
    instead: "attempt",
  },
  {
    pattern: /\b(?:is|are|was|were|be|been|being) given up\b|\bgives? up\b|\bgiven up\b/i,
    instead: "is abandoned, is cancelled",
  },
  { pattern: /\broom (?:for|to|left)\b|\b(?:no|little|much) room\b/i, instead: "space" },
  { pattern: /\bbeside the (?:jobs|artifacts|data)\b/i, instead: "in the jobs database, next to" },
  {
    pattern:
      /\bbehind (?:the|its|their|it|them|that|what|which|each|every|a)\b(?! (?:proxy|firewall|binding|route|flag|CDN))/i,
    instead: "after",
  },
  { pattern: /\b(?:alone)\b(?! in)/i, instead: "only" },
  { pattern: /\bnothing cheap\b/i, instead: "no cheap estimate" },
  { pattern: /\bfrom (?:then|now|there) on\b/i, instead: "then, after that" },
  { pattern: /\bshould (?:it|he|they|a|the|anybody|nobody|somebody|your|this)\b/i, instead: "if" },
  {
    pattern: /\b(?:thus|hence|thereby|whereby|wherein|thereof|hereby|lest|albeit|besides)\b/i,
    instead: "so",
  },
  { pattern: /\bsees? to it\b|\bsee to\b/i, instead: "makes sure" },
  { pattern: /\bmay be of\b|\bis of (?:a|an|the|no|one|use)\b/i, instead: "has, belongs to" },
  {
    pattern: /\bin (?:any|that|this) (?:wise|manner)\b|\bwith regard\b|\bwithout regard to\b/i,
    instead: "ignoring",
  },
  {
    pattern:
      /\bneither here\b|(?<!there )\b(?:is|are|was|were) no more\b(?! than)|\bnot any more\b/i,
    instead: "no longer",
  },
  { pattern: /\bcomes? (?:late|early|too late|behind)\b/i, instead: "arrives late, follows" },
  { pattern: /\bas (?:ever|before|always)\b/i, instead: "unchanged, still" },
  {
    pattern: /\ba (?:table|row|job|chunk|page|part|file|day|minute|second|month) (?:a|each)\b/i,
    instead: "per",
  },
];

/** A phrase that was found. */
export interface Finding {
  line: number;
  phrase: string;
  instead: string;
}

/** Returns the translated phrases of a text. Code, in backticks or fences, is data and is skipped. */
export function findTranslated(text: string): Finding[] {
  const prose = text
    .replaceAll(/^(```|~~~)[^]*?^\1/gm, (block) => block.replaceAll(/[^\n]/g, " "))
    .replaceAll(/`[^`\n]*`/g, (code) => "x".repeat(code.length));
  return prose.split("\n").flatMap((line, at) =>
    RULES.flatMap(({ pattern, instead }) => {
      const found = pattern.exec(line);
      return found === null ? [] : [{ line: at + 1, phrase: found[0].trim(), instead }];
    }),
  );
}

/** A text in a source file that people read, and the line on which it starts. */
export interface SourceText {
  line: number;
  text: string;
}

/** A comment or a string. Strings are matched too, so that `//` in a URL is not a comment. */
const COMMENT_OR_STRING =
  /(?<block>\/\*[^]*?\*\/)|(?<lines>\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*)|"(?<plain>(?:[^"\\\n]|\\.)*)"|`(?<template>(?:[^`\\]|\\.)*)`/g;

/** A string with fewer words is a name or a keyword. */
const WORDS_MIN = 3;

/** SQL is data. */
const SQL_WORD =
  /\b(?:SELECT|INSERT|CREATE|DELETE|UPDATE|ALTER|DROP|WHERE|PRAGMA|WHEN|COALESCE)\b/i;

/** Lists the comments of TypeScript code, each as one line of text. Consecutive `//` lines are one comment. */
export function listComments(code: string): SourceText[] {
  return listMatches(code, ({ block, lines }) =>
    block === undefined
      ? lines?.replaceAll(/^[ \t]*\/\/+/gm, "")
      : block.replaceAll(/^\/\*+|\*+\/$|^[ \t]*\*(?!\/)/gm, ""),
  );
}

/** Lists the messages, hints and help texts of TypeScript code: strings of several words that are not SQL. */
export function listMessages(code: string): SourceText[] {
  return listMatches(code, ({ plain, template }) => {
    const text = (plain ?? template)?.replaceAll(/\$\{[^}]*\}/g, "X").replaceAll("\\`", "`");
    const isMessage = (text ?? "").split(/\s+/).length >= WORDS_MIN && !SQL_WORD.test(text ?? "");
    return isMessage ? text : undefined;
  });
}

function listMatches(
  code: string,
  toText: (groups: Partial<Record<string, string>>) => string | undefined,
): SourceText[] {
  return [...code.matchAll(COMMENT_OR_STRING)].flatMap(({ index, groups = {} }) => {
    const text = toText(groups)?.replaceAll(/\s+/g, " ").trim();
    return text === undefined ? [] : [{ line: code.slice(0, index).split("\n").length, text }];
  });
}
