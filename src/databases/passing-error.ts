/**
 * What SQLite reports of its surroundings, not of the statement, with the extended codes: the same
 * statement may succeed later. https://www.sqlite.org/rescode.html
 */
export const PASSING_SQLITE_ERROR = /\bSQLITE_(?:BUSY|IOERR|LOCKED|NOMEM)(?:_[A-Z]+)*\b/;
