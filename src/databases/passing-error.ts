/**
 * SQLite errors, including extended codes, that come from the environment and not from the
 * statement: the same statement may succeed later. https://www.sqlite.org/rescode.html
 */
export const PASSING_SQLITE_ERROR = /\bSQLITE_(?:BUSY|IOERR|LOCKED|NOMEM)(?:_[A-Z]+)*\b/;
