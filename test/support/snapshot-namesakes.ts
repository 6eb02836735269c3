import type { WrittenTable } from "./snapshot-schemas.ts";

const keyed = (name: string): WrittenTable => ({
  name,
  script: [`CREATE TABLE "${name}"(a TEXT COLLATE NOCASE, b, PRIMARY KEY (a)) WITHOUT ROWID`],
  columns: ["a", "b"],
  conflictTargets: ["a"],
});

/**
 * Tables whose names, or whose objects' names and types, are easily mistaken for something else.
 */
export const WRITTEN_NAMESAKES: readonly WrittenTable[] = [
  keyed("tmp_u"),
  keyed("tmp_r"),
  keyed("tmp_export_snapshot_page"),
  keyed("tmp_export_snapshot_0123456789abcdef_notes"),
  keyed("tab\t\u001b[31m\nline"),
  {
    name: "namesakes",
    script: [
      "CREATE TABLE namesakes(id INTEGER PRIMARY KEY, a, b TEXT)",
      "CREATE UNIQUE INDEX namesakes_a ON namesakes(a) WHERE b IS NOT NULL",
      "CREATE UNIQUE INDEX namesakes_b ON namesakes(lower(b) || coalesce(a, ''))",
      "CREATE TRIGGER namesakes_a AFTER INSERT ON namesakes BEGIN SELECT 1; END",
      "CREATE TRIGGER namesakes_b AFTER INSERT ON namesakes BEGIN SELECT 1; END",
      "CREATE TRIGGER namesakes AFTER INSERT ON namesakes BEGIN SELECT 1; END",
      'CREATE TRIGGER "namesakes AFTER all" BEFORE UPDATE OF a ON namesakes WHEN NEW.a = 1 BEGIN UPDATE namesakes SET b = 5 WHERE id = OLD.id; END',
    ],
    columns: ["id", "a", "b"],
    conflictTargets: ["id"],
  },
  {
    name: "odd_types",
    script: [
      'CREATE TABLE odd_types(id INTEGER PRIMARY KEY, a "tex\u1e97" UNIQUE, b "\u0131nt", c "in\u1e97")',
      "CREATE UNIQUE INDEX odd_types_bc ON odd_types((b || c))",
    ],
    columns: ["id", "a", "b", "c"],
    conflictTargets: ["id", "a"],
  },
  {
    name: "owned_content",
    // SQLite treats it as a shadow table, and refuses writes and triggers.
    script: [
      "CREATE TABLE owned_content(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO owned_content VALUES (1, 'blue'), (2, 9e999)",
      "CREATE VIRTUAL TABLE owned USING fts5(a, content='owned_content', content_rowid='id')",
      "INSERT INTO owned(owned) VALUES ('rebuild')",
    ],
    columns: ["id", "a"],
    conflictTargets: ["id"],
  },
  {
    name: "dropped_content",
    script: [
      "CREATE TABLE dropped_content(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO dropped_content VALUES (1, 'blue'), (2, 9e999)",
      "CREATE VIRTUAL TABLE dropped USING fts5(a, content='dropped_content', content_rowid='id')",
      "DROP TABLE dropped",
    ],
    columns: ["id", "a"],
    conflictTargets: ["id"],
  },
];
